//! TensorBoard's event files: scalars and pictures of a run, in the TFRecord framing.
//!
//! Each record is the length of its data (u64), a masked CRC-32C of these 8 bytes (u32), the data, and a masked CRC-32C of it (u32), all
//! little-endian ([TFRecord](https://www.tensorflow.org/tutorials/load_data/tfrecord)). The data is an `Event` as
//! [event.proto](https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto) and
//! [summary.proto](https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/summary.proto) define it, in the
//! [protocol buffers' encoding](https://protobuf.dev/programming-guides/encoding/). The four messages needed are written by hand.

use std::fs::{self, File};
use std::io::{ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::canvas::Canvas;
use crate::error::{Error, Result};

/// What the names of event files begin with; the seconds at which the file was begun follow.
const PREFIX: &str = "events.out.tfevents.";
/// RGB, as `Summary.Image` counts colour spaces.
const RGB: u64 = 3;

/// A file that [TensorBoard](https://www.tensorflow.org/tensorboard) reads while it grows.
///
/// Every event goes to the file at once, with the time of the day; nothing of what is written depends on it.
///
/// ```
/// use candle_augment::report::{Canvas, EventFile};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// let mut events = EventFile::create(folder, 1)?;
/// events.scalars(1, &[("loss/generator", 0.69), ("loss/discriminator", 1.39)])?;
/// events.image(1, "samples", &Canvas::new(64, 48))?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Debug)]
pub struct EventFile {
    file: File,
    path: PathBuf,
}

impl EventFile {
    /// Begins a file in `folder`, which is made where it does not exist. Steps from `first_step` on are this file's: TensorBoard
    /// no longer shows what older files of the folder say of them, as after a training that went back to a checkpoint.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the folder cannot be made or written.
    pub fn create(folder: impl AsRef<Path>, first_step: u64) -> Result<Self> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|error| Error::io("make the folder", folder, error))?;
        let (file, path) = new_file(folder)?;
        let mut events = Self { file, path };
        events.write(&Message::default().double(1, now()).bytes(3, b"brain.Event:2"))?;
        // SessionLog.START: the reader drops the steps from here on that it knows already.
        events.write(&Message::event(now(), first_step).bytes(7, &Message::default().int(1, 1).0))?;
        Ok(events)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds numbers by their tags, which TensorBoard groups by what stands before a slash. They are stored as f32.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the file cannot be written.
    pub fn scalars(&mut self, step: u64, scalars: &[(&str, f64)]) -> Result<()> {
        self.write(&scalars_event(now(), step, scalars))
    }

    /// Adds a picture.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the file cannot be written.
    pub fn image(&mut self, step: u64, tag: &str, picture: &Canvas) -> Result<()> {
        let png = picture.to_png().map_err(|error| error.with_path(&self.path))?;
        self.write(&image_event(now(), step, tag, (picture.width(), picture.height()), &png))
    }

    /// One call of the system for a record, so that a process that is killed leaves whole ones.
    fn write(&mut self, event: &Message) -> Result<()> {
        self.file.write_all(&record(&event.0)).map_err(|error| Error::io("write the file", &self.path, error))
    }
}

/// A new file whose name sorts after those of the folder's other event files: TensorBoard reads them in this order.
fn new_file(folder: &Path) -> Result<(File, PathBuf)> {
    let entries = fs::read_dir(folder).map_err(|error| Error::io("list the folder", folder, error))?;
    let begun = entries.filter_map(|entry| begun_at(entry.ok()?.file_name().to_str()?)).max();
    let mut seconds = (now() as u64).max(begun.map_or(0, |seconds| seconds + 1));
    loop {
        let path = folder.join(format!("{PREFIX}{seconds:010}.candle-augment"));
        match File::create_new(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == IoErrorKind::AlreadyExists => seconds += 1,
            Err(error) => return Err(Error::io("make the file", path, error)),
        }
    }
}

/// The seconds in the name of an event file.
fn begun_at(name: &str) -> Option<u64> {
    name.strip_prefix(PREFIX)?.split('.').next()?.parse().ok()
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn scalars_event(time: f64, step: u64, scalars: &[(&str, f64)]) -> Message {
    let summary = scalars.iter().fold(Message::default(), |summary, (tag, value)| {
        summary.bytes(1, &Message::default().bytes(1, tag.as_bytes()).float(2, *value as f32).0)
    });
    Message::event(time, step).bytes(5, &summary.0)
}

fn image_event(time: f64, step: u64, tag: &str, (width, height): (u32, u32), png: &[u8]) -> Message {
    let image = Message::default().int(1, height.into()).int(2, width.into()).int(3, RGB).bytes(4, png);
    let value = Message::default().bytes(1, tag.as_bytes()).bytes(4, &image.0);
    Message::event(time, step).bytes(5, &Message::default().bytes(1, &value.0).0)
}

/// A message of protocol buffers, its fields in the order of their numbers.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    /// An `Event` without its content.
    fn event(time: f64, step: u64) -> Self {
        let event = Self::default().double(1, time);
        // A zero is left out, as everywhere in this encoding.
        if step == 0 { event } else { event.int(2, step) }
    }

    fn int(self, field: u8, value: u64) -> Self {
        self.byte(field << 3).varint(value)
    }

    fn double(self, field: u8, value: f64) -> Self {
        self.byte(field << 3 | 1).raw(&value.to_le_bytes())
    }

    fn bytes(self, field: u8, value: &[u8]) -> Self {
        self.byte(field << 3 | 2).varint(value.len() as u64).raw(value)
    }

    fn float(self, field: u8, value: f32) -> Self {
        self.byte(field << 3 | 5).raw(&value.to_le_bytes())
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn varint(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8)
    }

    fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let parts = [&length[..], &masked_crc(&length), data, &masked_crc(data)];
    parts.concat()
}

/// The checksum, turned and shifted, so that data which holds checksums is no special case.
fn masked_crc(data: &[u8]) -> [u8; 4] {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// CRC-32C (Castagnoli), bits reflected.
fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc: u32, byte| TABLE[usize::from(crc as u8 ^ byte)] ^ crc >> 8)
}

const TABLE: [u32; 256] = table();

/// The remainder of each byte.
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            let carry = remainder & 1 == 1;
            remainder >>= 1;
            if carry {
                remainder ^= 0x82f6_3b78;
            }
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What TensorBoard's own classes make of the same events; see `fixtures/make_tensorboard_reference.py`.
    const REFERENCE: &[u8] = include_bytes!("../../fixtures/tensorboard-reference.tfevents");

    #[test]
    fn the_checksum_is_the_published_one() {
        // RFC 3720, B.4, and the usual check value.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn events_are_those_of_tensorboard_to_the_byte() {
        let events = [
            Message::default().double(1, 1.5).bytes(3, b"brain.Event:2"),
            Message::event(2.5, 7).bytes(7, &Message::default().int(1, 1).0),
            scalars_event(3.5, 0, &[("loss/generator", 0.69), ("zero", 0.0), ("none", f64::NAN)]),
            scalars_event(4.5, 3_000_000_000, &[("rate", -1e-3)]),
            image_event(5.5, 300, "samples", (640, 200), b"no real PNG"),
        ];
        let bytes: Vec<u8> = events.iter().flat_map(|event| record(&event.0)).collect();
        assert!(bytes == REFERENCE);
    }

    #[test]
    fn later_files_sort_after_earlier_ones() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("events.out.tfevents.9000000000.host.1.0"), "").unwrap();
        let names: Vec<_> = (0..3).map(|_| EventFile::create(folder.path(), 1).unwrap().path().to_owned()).collect();
        assert!(names.is_sorted() && names[0].to_str().unwrap().contains("9000000001"));
    }
}
