//! Event files, read back by code of the test's own; `fixtures/check_tensorboard.py` reads them with TensorBoard itself.

mod common;

use candle_augment::report::{Canvas, EventFile, palette};
use common::data::scratch;

/// CRC-32C bit by bit, masked as in TFRecord.
fn masked_crc(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The data of each record, whose checksums are checked.
fn records(mut file: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while !file.is_empty() {
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        assert_eq!(number(&file[8..12]), masked_crc(&file[..8]));
        let data = &file[12..12 + length];
        assert_eq!(number(&file[12 + length..16 + length]), masked_crc(data));
        records.push(data);
        file = &file[16 + length..];
    }
    records
}

/// The value of a field: a number, or bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Field<'a> {
    Int(u64),
    Double(f64),
    Float(f32),
    Bytes(&'a [u8]),
}

/// The fields of a message, with their numbers.
fn fields(mut message: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn varint(message: &mut &[u8]) -> u64 {
        let length = message.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let (bytes, rest) = message.split_at(length);
        *message = rest;
        bytes.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
    }
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let mut take = |count| {
            let (bytes, rest) = message.split_at(count);
            message = rest;
            bytes
        };
        let value = match key & 7 {
            0 => Field::Int(varint(&mut message)),
            1 => Field::Double(f64::from_le_bytes(take(8).try_into().unwrap())),
            5 => Field::Float(f32::from_le_bytes(take(4).try_into().unwrap())),
            2 => {
                let length = varint(&mut message) as usize;
                let (bytes, rest) = message.split_at(length);
                message = rest;
                Field::Bytes(bytes)
            }
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, value));
    }
    fields
}

fn field<'a>(message: &'a [u8], number: u64) -> Option<Field<'a>> {
    fields(message).into_iter().find(|(found, _)| *found == number).map(|(_, value)| value)
}

fn bytes(message: &[u8], number: u64) -> &[u8] {
    match field(message, number) {
        Some(Field::Bytes(bytes)) => bytes,
        other => panic!("field {number} is {other:?}"),
    }
}

/// The tagged values of an event.
fn values(event: &[u8]) -> Vec<&[u8]> {
    let value = |(number, value)| match value {
        Field::Bytes(value) => Some(value).filter(|_| number == 1),
        _ => None,
    };
    fields(bytes(event, 5)).into_iter().filter_map(value).collect()
}

#[test]
fn what_was_written_is_read_back() {
    let folder = scratch();
    let mut events = EventFile::create(folder.path().join("new/run"), 301).unwrap();
    let scalars = [("loss/a", 0.25), ("loss/b", -3e-7), ("größe", f64::INFINITY)];
    events.scalars(301, &scalars).unwrap();
    let mut picture = Canvas::new(300, 7);
    picture.fill(3, 3, 9, 2, palette::BLUE);
    events.image(1 << 40, "samples", &picture).unwrap();
    let file = std::fs::read(events.path()).unwrap();
    let records = records(&file);
    assert_eq!(records.len(), 4);
    let steps: Vec<_> = records.iter().map(|event| field(event, 2)).collect();
    assert_eq!(steps, [None, Some(Field::Int(301)), Some(Field::Int(301)), Some(Field::Int(1 << 40))]);
    for event in &records {
        assert!(matches!(field(event, 1), Some(Field::Double(time)) if time > 1.7e9), "seconds since 1970");
    }

    assert_eq!(bytes(records[0], 3), b"brain.Event:2");
    assert_eq!(field(bytes(records[1], 7), 1), Some(Field::Int(1)), "a start");
    let read: Vec<_> = values(records[2]).iter().map(|value| (bytes(value, 1), field(value, 2).unwrap())).collect();
    assert_eq!(read, scalars.map(|(tag, value)| (tag.as_bytes(), Field::Float(value as f32))));
    let [value] = values(records[3])[..] else { panic!("one picture") };
    assert_eq!(bytes(value, 1), b"samples");
    let image = bytes(value, 4);
    assert_eq!([1, 2, 3].map(|number| field(image, number)), [7, 300, 3].map(|number| Some(Field::Int(number))));
    let decoded = image::load_from_memory_with_format(bytes(image, 4), image::ImageFormat::Png).unwrap().into_rgb8();
    assert_eq!((decoded.dimensions(), decoded.get_pixel(3, 3).0), ((300, 7), palette::BLUE));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = scratch();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let error = EventFile::create(folder.path().join("file/run"), 1).unwrap_err();
    assert_eq!(error.kind(), candle_augment::ErrorKind::Io);
    assert_eq!(error.path(), Some(&*folder.path().join("file/run")));
}

#[cfg(feature = "cli")]
#[test]
fn a_resumed_training_goes_on_in_a_later_file() {
    use common::program::{refuse, succeed};

    let folder = scratch();
    let train = ["train", "digits", "--per-class", "20", "--steps", "3", "--tensorboard", "events"];
    succeed(folder.path(), &train);
    succeed(folder.path(), &[&train[..], &["--resume"]].concat());
    let mut files: Vec<_> =
        folder.path().join("events").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.iter().map(|path| start(path)).collect::<Vec<_>>(), [1, 4]);
    std::fs::write(folder.path().join("file"), "").unwrap();
    refuse(folder.path(), &["train", "digits", "--force", "--tensorboard", "file"], &["file", "with --tensorboard"]);
}

/// The step that a file says it begins with; it has three steps, a score and a picture more.
#[cfg(feature = "cli")]
fn start(path: &std::path::Path) -> u64 {
    let file = std::fs::read(path).unwrap();
    let records = records(&file);
    assert_eq!(records.len(), 2 + 3 + 1 + 1, "{}", path.display());
    assert_eq!(values(records[2]).len(), 10, "scalars of a step");
    match field(records[1], 2) {
        Some(Field::Int(step)) => step,
        other => panic!("no step: {other:?}"),
    }
}
