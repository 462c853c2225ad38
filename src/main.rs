//! The command line of pixelflip.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
