//! The coding of an object: the text, compressed where that is asked for, then encrypted in frames where there is a key. Text of any size is
//! coded in memory of a bounded size.
//!
//! An encrypted object begins with `TENURE1`, a zero byte, the length of the key's id and the id. Each frame is its length in four
//! bytes, little-endian, and its bytes: a nonce, the ciphertext and the tag. A frame is bound to the session, the version, its number and to
//! whether it is the last one, so that an object that was cut, extended or put together of others is refused.

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::{GzDecoder, GzEncoder};
use sha2::{Digest, Sha256};
use tenure_core::SessionId;
use tenure_sealed::{Place, Seal};

use crate::error::{ArchiveError, Result};

const MAGIC: &[u8; 8] = b"TENURE1\0";
/// The size of a frame before it is encrypted.
const FRAME: usize = 1 << 20;
/// The size of what a frame has more when it is encrypted.
const OVERHEAD: usize = 24 + 16;

/// What an object is coded with.
#[derive(Debug, Clone)]
pub(crate) struct Coding {
    pub(crate) compresses: bool,
    pub(crate) seal: Option<Arc<Seal>>,
}

impl Coding {
    /// What the name of an object has after `.json`.
    pub(crate) fn suffix(&self) -> &'static str {
        match (self.compresses, &self.seal) {
            (false, None) => "",
            (true, None) => ".gz",
            (false, Some(_)) => ".enc",
            (true, Some(_)) => ".gz.enc",
        }
    }
}

/// Codes a text, part by part.
pub(crate) struct Encoder {
    id: SessionId,
    version: u64,
    gzip: Option<GzEncoder<Vec<u8>>>,
    seal: Option<Arc<Seal>>,
    /// What is not in a frame yet.
    plain: Vec<u8>,
    frames: u64,
    /// What is coded, and not taken yet.
    coded: Vec<u8>,
    digest: Sha256,
    pub(crate) text_bytes: u64,
    pub(crate) bytes: u64,
}

impl Encoder {
    pub(crate) fn new(coding: &Coding, id: SessionId, version: u64) -> Self {
        let mut encoder = Self {
            id,
            version,
            gzip: coding
                .compresses
                .then(|| GzEncoder::new(Vec::new(), Compression::default())),
            seal: coding.seal.clone(),
            plain: Vec::new(),
            frames: 0,
            coded: Vec::new(),
            digest: Sha256::new(),
            text_bytes: 0,
            bytes: 0,
        };
        if let Some(seal) = &encoder.seal {
            let key = seal.current().as_bytes();
            encoder.coded.extend_from_slice(MAGIC);
            // The id of a key has at most 64 bytes.
            encoder.coded.push(key.len() as u8);
            encoder.coded.extend_from_slice(key);
        }
        encoder
    }

    /// Adds a part of the text.
    pub(crate) fn add(&mut self, text: &str) -> Result<()> {
        self.text_bytes += text.len() as u64;
        match &mut self.gzip {
            Some(gzip) => {
                gzip.write_all(text.as_bytes()).map_err(in_memory)?;
                let compressed = mem::take(gzip.get_mut());
                self.plain.extend_from_slice(&compressed);
            }
            None => self.plain.extend_from_slice(text.as_bytes()),
        }
        self.frame(false)
    }

    /// Ends the text.
    pub(crate) fn end(&mut self) -> Result<()> {
        if let Some(gzip) = self.gzip.take() {
            self.plain
                .extend_from_slice(&gzip.finish().map_err(in_memory)?);
        }
        self.frame(true)
    }

    /// Takes what is coded so far.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let coded = mem::take(&mut self.coded);
        self.digest.update(&coded);
        self.bytes += coded.len() as u64;
        coded
    }

    /// The digest of all that was taken.
    pub(crate) fn digest(self) -> String {
        hex(self.digest.finalize().as_slice())
    }

    /// The number of bytes that can be taken.
    pub(crate) fn available(&self) -> usize {
        self.coded.len()
    }

    fn frame(&mut self, is_end: bool) -> Result<()> {
        let Some(seal) = &self.seal else {
            self.coded.append(&mut self.plain);
            return Ok(());
        };
        loop {
            let is_last = is_end && self.plain.len() <= FRAME;
            if !is_last && self.plain.len() <= FRAME {
                return Ok(());
            }
            let rest = self.plain.split_off(self.plain.len().min(FRAME));
            let frame = mem::replace(&mut self.plain, rest);
            let place = Place::Frame {
                id: self.id.as_str(),
                version: self.version,
                number: self.frames,
                is_last,
            };
            let sealed = seal.encrypt_bytes(place, &frame)?;
            self.frames += 1;
            // A frame is far below 4 GiB.
            self.coded
                .extend_from_slice(&(sealed.len() as u32).to_le_bytes());
            self.coded.extend_from_slice(&sealed);
            if is_last {
                return Ok(());
            }
        }
    }
}

/// The bytes that are decoded before the length of the text is looked at.
const PIECE: usize = 4096;
/// What is wrong with an object whose text is longer or shorter than it should be.
pub(crate) const OTHER_LENGTH: &str = "has another length than its manifest says";

/// Decodes an object, part by part.
pub(crate) struct Decoder {
    object: String,
    id: String,
    version: u64,
    gzip: Option<GzDecoder<Vec<u8>>>,
    frames: Option<Frames>,
    text: Vec<u8>,
    most: u64,
}

struct Frames {
    seal: Arc<Seal>,
    /// The id of the key, once the header was read.
    key: Option<String>,
    input: Vec<u8>,
    number: u64,
    has_ended: bool,
}

impl Decoder {
    /// A decoder for an object of this name, whose text has at most so many bytes. One that is encrypted needs keys.
    pub(crate) fn new(
        object: &str,
        id: &str,
        version: u64,
        most: u64,
        seal: Option<Arc<Seal>>,
    ) -> Result<Self> {
        let (rest, is_sealed) = match object.strip_suffix(".enc") {
            Some(rest) => (rest, true),
            None => (object, false),
        };
        let frames = match (is_sealed, seal) {
            (false, _) => None,
            (true, Some(seal)) => Some(Frames {
                seal,
                key: None,
                input: Vec::new(),
                number: 0,
                has_ended: false,
            }),
            (true, None) => {
                return Err(ArchiveError::damaged(
                    object,
                    "is encrypted, and no key was given",
                ));
            }
        };
        Ok(Self {
            object: object.to_owned(),
            id: id.to_owned(),
            version,
            gzip: rest.ends_with(".gz").then(|| GzDecoder::new(Vec::new())),
            frames,
            text: Vec::new(),
            most,
        })
    }

    /// Adds bytes of the object.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<()> {
        let plain = match &mut self.frames {
            None => bytes.to_vec(),
            Some(frames) => {
                frames.input.extend_from_slice(bytes);
                let opened = frames.open(&self.id, self.version, false);
                opened.map_err(|problem| ArchiveError::damaged(&*self.object, problem))?
            }
        };
        self.inflate(&plain)
    }

    /// Ends the object. Returns the text.
    pub(crate) fn end(mut self) -> Result<String> {
        let damaged = |problem: &str| ArchiveError::damaged(&*self.object, problem);
        if let Some(frames) = &mut self.frames {
            let opened = frames.open(&self.id, self.version, true);
            let plain = opened.map_err(|problem| damaged(&problem))?;
            if !frames.has_ended {
                return Err(damaged("ends too early"));
            }
            self.inflate(&plain)?;
        }
        if let Some(gzip) = self.gzip.take() {
            let rest = gzip.finish();
            let rest =
                rest.map_err(|_| ArchiveError::damaged(&*self.object, "is no complete gzip"))?;
            self.text.extend_from_slice(&rest);
        }
        let Self { object, text, .. } = self;
        String::from_utf8(text).map_err(|_| ArchiveError::damaged(object, "is no text"))
    }

    fn inflate(&mut self, plain: &[u8]) -> Result<()> {
        // A compressed piece becomes a thousand times as long at most.
        for piece in plain.chunks(PIECE) {
            match &mut self.gzip {
                None => self.text.extend_from_slice(piece),
                Some(gzip) => {
                    let written = gzip.write_all(piece);
                    written.map_err(|error| {
                        ArchiveError::damaged(&*self.object, format!("is no gzip: {error}"))
                    })?;
                    self.text.append(gzip.get_mut());
                }
            }
            if self.text.len() as u64 > self.most {
                return Err(ArchiveError::damaged(&*self.object, OTHER_LENGTH));
            }
        }
        Ok(())
    }
}

impl Frames {
    /// Decrypts the frames that are there. A frame is the last one if nothing follows it, which is known at the end.
    fn open(&mut self, id: &str, version: u64, is_end: bool) -> Result<Vec<u8>, String> {
        if self.key.is_none() && !self.read_header()? {
            return Ok(Vec::new());
        }
        let key = self.key.clone().unwrap_or_default();
        let mut plain = Vec::new();
        while let Some((length, rest)) = self.input.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            if length > FRAME + OVERHEAD {
                return Err("has a frame that is too long".to_owned());
            }
            let Some(frame) = rest.get(..length) else {
                break;
            };
            let is_last = rest.len() == length;
            if is_last && !is_end {
                break;
            }
            let place = Place::Frame {
                id,
                version,
                number: self.number,
                is_last,
            };
            plain.extend_from_slice(&self.seal.decrypt_bytes(&key, place, frame)?);
            self.number += 1;
            self.has_ended = is_last;
            self.input.drain(..4 + length);
        }
        match is_end && !self.input.is_empty() {
            true => Err("ends in the middle of a frame".to_owned()),
            false => Ok(plain),
        }
    }

    /// Reads the header, once it is there.
    fn read_header(&mut self) -> Result<bool, String> {
        let header = MAGIC.len() + 1;
        let Some(length) = self
            .input
            .get(header - 1)
            .map(|length| usize::from(*length))
        else {
            return Ok(false);
        };
        if !self.input.starts_with(MAGIC) {
            return Err("is no encrypted object".to_owned());
        }
        let Some(key) = self.input.get(header..header + length) else {
            return Ok(false);
        };
        self.key = Some(String::from_utf8_lossy(key).into_owned());
        self.input.drain(..header + length);
        Ok(true)
    }
}

/// Hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn in_memory(_: io::Error) -> ArchiveError {
    ArchiveError::Internal("writing to memory has failed")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use tenure_sealed::SealKey;

    fn decoded(
        object: &str,
        id: &str,
        version: u64,
        seal: Option<Arc<Seal>>,
        mut bytes: impl Read,
    ) -> Result<String> {
        let mut decoder = Decoder::new(object, id, version, 100_000_000, seal)?;
        let mut piece = [0; 77_777];
        loop {
            match bytes.read(&mut piece).map_err(in_memory)? {
                0 => return decoder.end(),
                read => decoder.add(piece.get(..read).unwrap_or_default())?,
            }
        }
    }

    fn seal(byte: u8) -> Arc<Seal> {
        let key = SealKey::new("k1", &[byte; 32]).unwrap();
        let fill = |bits: &mut [u8]| {
            bits.fill(9);
            Ok(())
        };
        Arc::new(Seal::new(vec![key], true, Box::new(fill)).unwrap())
    }

    fn encoded(coding: &Coding, text: &str) -> Vec<u8> {
        let mut encoder = Encoder::new(coding, SessionId::parse("s").unwrap(), 3);
        for part in text.as_bytes().chunks(100_000) {
            encoder.add(std::str::from_utf8(part).unwrap()).unwrap();
        }
        encoder.end().unwrap();
        encoder.take()
    }

    #[test]
    fn what_is_decoded_is_what_was_encoded() {
        for length in [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME] {
            let text: String = (0..length)
                .map(|at| char::from(b'a' + (at * at % 23) as u8))
                .collect();
            for compresses in [false, true] {
                for seal in [None, Some(seal(7))] {
                    let coding = Coding { compresses, seal };
                    let bytes = encoded(&coding, &text);
                    let object = format!("x.json{}", coding.suffix());
                    let read = decoded(&object, "s", 3, coding.seal.clone(), &*bytes).unwrap();
                    assert!(read == text, "{object} of {length}");
                }
            }
        }
    }

    #[test]
    fn a_text_that_is_longer_than_it_should_be_is_not_decoded_to_its_end() {
        let coding = Coding {
            compresses: true,
            seal: None,
        };
        let bytes = encoded(&coding, &"0".repeat(64 << 20));
        let mut decoder = Decoder::new("x.json.gz", "s", 3, 1 << 20, None).unwrap();
        assert!(decoder.add(&bytes).is_err());
        assert!(decoder.text.len() < 8 << 20, "{}", decoder.text.len());
    }

    #[test]
    fn an_encrypted_object_that_was_changed_cut_or_moved_is_refused() {
        let coding = Coding {
            compresses: false,
            seal: Some(seal(7)),
        };
        let bytes = encoded(&coding, &"secret ".repeat(FRAME / 3));
        assert!(!bytes.windows(6).any(|part| part == b"secret"));
        let read =
            |id, version, seal, bytes: &[u8]| decoded("x.json.enc", id, version, seal, bytes);
        assert!(read("s", 3, Some(seal(7)), &bytes).is_ok());
        assert!(read("other", 3, Some(seal(7)), &bytes).is_err());
        assert!(read("s", 4, Some(seal(7)), &bytes).is_err());
        assert!(read("s", 3, Some(seal(8)), &bytes).is_err());
        assert!(read("s", 3, None, &bytes).is_err());
        let first = 8 + 1 + 2 + 4 + FRAME + OVERHEAD;
        for cut in [0, 5, 11, 100, first, bytes.len() - 1] {
            assert!(read("s", 3, Some(seal(7)), &bytes[..cut]).is_err(), "{cut}");
        }
        for at in [0, 9, 20, first + 30, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(read("s", 3, Some(seal(7)), &changed).is_err(), "{at}");
        }
    }
}
