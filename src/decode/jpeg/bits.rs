//! The compressed data: freed of stuffing once, then read bit by bit.

/// The data of a scan without the zeros that are stuffed behind each 0xff, and without its markers (ITU-T T.81, B.1.1.5,
/// F.1.2.3).
#[derive(Debug, Default)]
pub struct Scan {
    data: Vec<u8>,
    /// Where each part between restart markers ends.
    ends: Vec<usize>,
}

impl Scan {
    /// Takes in the scan at the start of `bytes`, up to the first marker that is not for a restart. `None` if a restart
    /// marker is out of its turn.
    pub fn read(&mut self, mut bytes: &[u8]) -> Option<()> {
        self.data.clear();
        self.ends.clear();
        loop {
            let run = before_marker(bytes);
            self.data.extend_from_slice(&bytes[..run]);
            // A marker may have any number of 0xff before it.
            let code = bytes[run..].iter().position(|&byte| byte != 0xff).map(|fill| run + fill);
            match code.map(|at| (bytes[at], &bytes[at + 1..])) {
                Some((0, rest)) => {
                    self.data.push(0xff);
                    bytes = rest;
                }
                Some((marker @ 0xd0..=0xd7, rest)) => {
                    if usize::from(marker & 7) != self.ends.len() % 8 {
                        return None;
                    }
                    self.ends.push(self.data.len());
                    bytes = rest;
                }
                _ => break,
            }
        }
        self.ends.push(self.data.len());
        // So that a refill finds eight bytes as long as there are bits.
        self.data.extend_from_slice(&[0; 16]);
        Some(())
    }

    /// How many parts there are between restart markers.
    pub fn parts(&self) -> usize {
        self.ends.len()
    }

    /// The number of bits.
    pub fn bits(&self) -> usize {
        self.ends.last().map_or(0, |end| end * 8)
    }

    /// A reader of the part `index`, if there is such a one.
    pub fn part(&self, index: usize) -> Option<Bits<'_>> {
        let &end = self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Some(Bits { data: &self.data, at: start, end, next: 0, held: 0 })
    }
}

/// The number of bytes before the first 0xff.
fn before_marker(bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<32>();
    let clean = chunks.iter().take_while(|chunk| !chunk.iter().fold(false, |found, &byte| found | (byte == 0xff)));
    let start = 32 * clean.count();
    let end = bytes.len().min(start + 32);
    let rest = if start < bytes.len() - rest.len() { &bytes[start..end] } else { rest };
    start + rest.iter().position(|&byte| byte == 0xff).unwrap_or(rest.len())
}

/// A reader of bits, highest first. Behind the end it finds bits that mean nothing, and [`Bits::is_overdrawn`].
#[derive(Clone, Copy, Debug)]
pub struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    end: usize,
    /// The bits to come, from the highest on.
    next: u64,
    /// How many of them are sure; the others are 0 or, what is the same, those that the next refill brings.
    held: u32,
}

impl Bits<'_> {
    /// Brings the bits at hand to 56 or more, and gives them, the first one highest.
    #[inline(always)]
    pub fn refill(&mut self) -> u64 {
        if let Some(&chunk) = self.data.get(self.at..).and_then(|data| data.first_chunk()) {
            self.next |= u64::from_be_bytes(chunk) >> self.held;
        }
        self.at += ((63 - self.held) >> 3) as usize;
        self.held |= 56;
        self.next
    }

    #[inline(always)]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Passes over `count` bits, fewer than are at hand.
    #[inline(always)]
    pub fn pass(&mut self, count: u32) {
        self.next <<= count;
        self.held -= count;
    }

    /// The next `count` bits, 1 to 16 and at hand.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> u32 {
        let bits = (self.next >> (64 - count)) as u32;
        self.pass(count);
        bits
    }

    /// Whether more bits were read than there are.
    pub fn is_overdrawn(&self) -> bool {
        self.position() > self.end * 8
    }

    /// The number of bits before the next one, from the start of the scan.
    pub fn position(&self) -> usize {
        self.at * 8 - self.held as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Scan;

    #[test]
    fn stuffing_and_markers_are_taken_out() {
        let mut scan = Scan::default();
        let bytes = [1, 0xff, 0, 2, 0xff, 0xff, 0xff, 0, 0xff, 0xd0, 3, 0xff, 0xff, 0xd1, 4, 0xff, 0xd9, 5];
        scan.read(&bytes).expect("the markers are in turn");
        assert_eq!(scan.data[..scan.data.len() - 16], [1, 0xff, 2, 0xff, 3, 4]);
        assert_eq!(scan.ends, [4, 5, 6]);
        assert!(scan.read(&[1, 0xff, 0xd1, 2]).is_none());
    }

    #[test]
    fn long_runs_are_kept_whole() {
        let mut scan = Scan::default();
        for length in 0..200 {
            let bytes: Vec<u8> = (0..length).flat_map(|i| if i % 37 == 36 { vec![0xff, 0] } else { vec![i] }).collect();
            scan.read(&bytes).expect("there are no markers");
            let expected = (0..length).map(|i| if i % 37 == 36 { 0xff } else { i });
            assert!(scan.data[..scan.data.len() - 16].iter().copied().eq(expected), "{length}");
        }
    }

    #[test]
    fn bits_come_in_order_and_overdrawing_is_told() {
        let mut scan = Scan::default();
        let bytes: Vec<u8> = (0..50).collect();
        scan.read(&bytes).expect("there are no markers");
        let mut bits = scan.part(0).expect("there is always a first part");
        for byte in 0..50 {
            for half in [byte >> 4, byte & 15] {
                assert!(!bits.is_overdrawn());
                bits.refill();
                assert_eq!(bits.take(4), half);
            }
        }
        assert!(!bits.is_overdrawn());
        for _ in 0..100 {
            bits.refill();
            bits.pass(13);
            assert!(bits.is_overdrawn());
        }
    }
}
