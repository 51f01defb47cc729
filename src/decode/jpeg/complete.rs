//! Whether a JPEG file is whole. The decoder fills what is missing with gray and reports nothing, so this looks before
//! it.

const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];

/// Whether an end-of-image marker follows the start of the compressed data.
///
/// An embedded preview has an end marker as well; it lies in a segment before that start, so it does not count.
pub fn is_complete(bytes: &[u8]) -> bool {
    let Some(scan) = scan_start(bytes) else { return false };
    // From the end, where the marker stands in nearly every file. It cannot occur within compressed data (ITU-T T.81,
    // B.1.1.5).
    bytes[scan..].windows(2).rev().any(|pair| pair == END_OF_IMAGE)
}

/// The position of the first start-of-scan marker, found by stepping over the segments before it (ITU-T T.81, B.1.1.4).
fn scan_start(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        match *bytes.get(at..at + 2)? {
            [0xff, 0xda] => return Some(at),
            // Markers that stand alone.
            [0xff, 0x01 | 0xd0..=0xd8] => at += 2,
            [0xff, 0x02..=0xfe] => {
                let length = bytes.get(at + 2..at + 4)?;
                at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
            // Fill bytes.
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_complete;

    const SCAN: [u8; 4] = [0xff, 0xda, 0x00, 0x02];

    #[test]
    fn the_end_marker_of_a_preview_does_not_count() {
        let preview = [0xff, 0xe1, 0x00, 0x06, 0xff, 0xd8, 0xff, 0xd9];
        let cut = [&[0xff, 0xd8][..], &preview, &SCAN, &[1, 2, 3]].concat();
        assert!(!is_complete(&cut));
        assert!(is_complete(&[&cut[..], &[0xff, 0xd9]].concat()));
    }

    #[test]
    fn fill_bytes_and_what_follows_the_end_are_allowed() {
        let filled = [&[0xff, 0xd8, 0xff, 0xff, 0xe0, 0x00, 0x02][..], &SCAN, &[1, 2, 0xff, 0xd9, 0, 0]].concat();
        assert!(is_complete(&filled));
        assert!(!is_complete(&[0xff, 0xd8, 0xff]));
    }
}
