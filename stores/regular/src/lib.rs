//! Reads what others may have put into a place: regular files only, and up to a size. Reading a FIFO waits
//! for a writer, and a device such as `/dev/zero` has no end.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The greatest size of a file that is read or written as a whole, in bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// The byte order mark of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Opens a regular file for reading.
///
/// # Errors
/// Those of the file system, and `InvalidInput` for what is no regular file.
pub fn open(path: &Path) -> io::Result<File> {
    open_sized(path).map(|(file, _)| file)
}

/// As [`open`], with the size of the file.
fn open_sized(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Opening a FIFO would wait for a writer.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    let file = options.open(path)?;
    let found = file.metadata()?;
    if found.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !found.is_file() {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    Ok((file, found.len()))
}

/// The content of a regular file of at most `max_bytes`.
///
/// # Errors
/// Those of [`open`], and `InvalidData` for a larger file.
pub fn read(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let (file, size) = open_sized(path)?;
    let mut content = Vec::new();
    // Without room the content is read in small parts. The file may grow meanwhile.
    content.try_reserve_exact(usize::try_from(size.min(max_bytes)).unwrap_or(usize::MAX))?;
    read_into(content, file, max_bytes)
}

/// As [`read`], for text.
///
/// # Errors
/// Those of [`read`], and `InvalidData` for what is no UTF-8.
pub fn read_to_string(path: &Path, max_bytes: u64) -> io::Result<String> {
    text_of(read(path, max_bytes)?)
}

/// The content of a stream, up to its end, of at most `max_bytes`.
///
/// # Errors
/// Those of the stream, and `InvalidData` for a longer one.
pub fn read_stream(stream: impl Read, max_bytes: u64) -> io::Result<Vec<u8>> {
    read_into(Vec::new(), stream, max_bytes)
}

/// Reads a stream into a buffer that is empty.
fn read_into(mut content: Vec<u8>, stream: impl Read, max_bytes: u64) -> io::Result<Vec<u8>> {
    let read = stream
        .take(max_bytes.saturating_add(1))
        .read_to_end(&mut content)?;
    if read as u64 > max_bytes {
        let problem = format!("it is larger than {max_bytes} bytes");
        return Err(io::Error::new(ErrorKind::InvalidData, problem));
    }
    Ok(content)
}

/// Bytes as text, without the byte order mark that some editors and shells write.
///
/// # Errors
/// `InvalidData` for what is no UTF-8.
pub fn text_of(mut bytes: Vec<u8>) -> io::Result<String> {
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    String::from_utf8(bytes).map_err(|_| {
        let problem = "stream did not contain valid UTF-8";
        io::Error::new(ErrorKind::InvalidData, problem)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_read_up_to_a_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_to_string(&path, 5).unwrap(), "12345");
        let error = read(&path, 4).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(error.to_string(), "it is larger than 4 bytes");
        let missing = read(&folder.path().join("none"), 5).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_text_has_no_byte_order_mark() {
        let text = |bytes: &[u8]| text_of(bytes.to_vec()).unwrap();
        assert_eq!(text(b"\xef\xbb\xbfa"), "a");
        assert_eq!(text(b"\xef\xbb\xbf"), "");
        // Only the first one is a mark.
        assert_eq!(text(b"\xef\xbb\xbf\xef\xbb\xbf"), "\u{feff}");
        assert_eq!(text(b"a\xef\xbb\xbf"), "a\u{feff}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};

        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for path in [&fifo, &link, Path::new("/dev/zero")] {
            assert_eq!(open(path).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        let of_folder = open(folder.path()).unwrap_err();
        assert_eq!(of_folder.kind(), ErrorKind::IsADirectory);
    }

    #[test]
    fn a_stream_without_an_end_is_not_read_for_ever() {
        let error = read_stream(io::repeat(0), 1000).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
