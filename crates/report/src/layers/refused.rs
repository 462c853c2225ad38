//! A file that cannot be imported, with all that is in the way.

use super::verdict::line;
use crate::{base::words::count, nn::onnx::Obstacle, text::wrapped};

/// The verdict over a file whose nodes `obstacles` cannot be imported, each kind once; with `all` the
/// names of all its nodes.
pub fn refused(name: &str, obstacles: &[Obstacle], all: bool) -> String {
    let nodes: usize = obstacles.iter().map(|obstacle| obstacle.nodes.len()).sum();
    let no = format!("no: {} in the way", count(nodes, "node"));
    let verdict: String =
        ["scores", "gradients", "LRP"].iter().map(|what| line(what, &no)).collect();
    let each: String = obstacles.iter().map(|obstacle| item(obstacle, all)).collect();
    format!(
        "{name}: cannot be imported\n\n{verdict}\nwhat is in the way (of nodes that read from these, \
         the operator alone):\n{each}"
    )
}

fn item(obstacle: &Obstacle, all: bool) -> String {
    let Obstacle { op, problem, nodes } = obstacle;
    let named = |name: &String| format!("`{name}`");
    let names = match &nodes[..] {
        [only] => named(only),
        _ if all => nodes.iter().map(named).collect::<Vec<_>>().join(", "),
        [first, ..] => format!("the first {}", named(first)),
        [] => String::new(),
    };
    wrapped(&format!("- {} {op} ({names}): {problem}", nodes.len()), 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_said_once_with_its_nodes() {
        let obstacle = |op: &str, problem: &str, count: usize| Obstacle {
            op: op.to_owned(),
            problem: problem.to_owned(),
            nodes: (1..=count).map(|i| format!("/neck/{op}_{i}")).collect(),
        };
        let all = [
            obstacle("NonMaxSuppression", "operator `NonMaxSuppression` is not supported", 1),
            obstacle("Resize", "it resizes by `cubic`, expected `nearest` or `linear`", 12),
        ];
        insta::assert_snapshot!(
            [refused("detector.onnx", &all, false), refused("detector.onnx", &all, true)]
                .join("\n")
        );
    }
}
