//! Files of a bounded size, read whole.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// The bytes of a file of at most `most` bytes. What is no file is refused: a pipe would be waited for,
/// and a device has no end.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if about.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    if !about.is_file() {
        return Err(io::Error::other("it is no file but a pipe or a device"));
    }
    let large = || io::Error::other(format!("it is larger than {most} bytes"));
    if about.len() > most {
        return Err(large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).map_err(|_| large())?);
    // it may grow meanwhile
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(large()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_folders_and_devices_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        let told = |path: &Path, most| read(path, most).unwrap_err().to_string();
        assert_eq!(told(&path, 4), "it is larger than 4 bytes");
        assert_eq!(told(folder.path(), 4), "it is a folder");
        assert!(read(&folder.path().join("b"), 5).is_err());
        #[cfg(unix)]
        assert_eq!(told(Path::new("/dev/zero"), 4), "it is no file but a pipe or a device");
    }
}
