//! Huffman tables, laid out so that one look at the next bits gives a coefficient, or the lengths of several.
//!
//! Codes are canonical (ITU-T T.81, annex C). A symbol gives the zeros before a coefficient and the number of bits that
//! follow and hold its value (annex F).

/// Bits that are looked up at once. Most codes are shorter, together with the value's bits.
pub const LOOKUP_BITS: u32 = 10;
const LOOKUPS: usize = 1 << LOOKUP_BITS;

/// What begins with the bits looked up.
///
/// One or two coefficients, or one and the end of the block; or a symbol, where its value does not fit; or nothing,
/// where the code does not. From the lowest bit on: the bits used (6 bits, 0 for nothing); from bit 8 on the symbol, or
/// the first coefficient's advance: the zeros before it and itself; from 16 on the advance of all, at least
/// [`Entry::END`] with the end of the block; from 32 and 48 on the values. The first one is never 0 for a coefficient.
/// The second one is the first again where there is none, so that both can be stored without asking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry(u64);

impl Entry {
    /// More than the advance of two coefficients, and as much as a block has.
    pub const END: usize = 64;

    fn coefficient(value: i32, run: u32, bits: u32) -> Self {
        let (value, advance) = (u64::from(value as u16), u64::from(run + 1));
        Self(value << 48 | value << 32 | advance << 16 | advance << 8 | u64::from(bits))
    }

    fn symbol(symbol: u8, bits: u32) -> Self {
        Self(u64::from(symbol) << 8 | u64::from(bits))
    }

    /// A coefficient, and what follows it.
    fn and(self, next: Self) -> Self {
        let bits = self.0 + u64::from(next.bits());
        if !next.is_coefficient() {
            return Self(bits + ((Self::END as u64) << 16));
        }
        let (low, second) = (bits & ((1 << 48) - 1), u64::from(next.first() as u16));
        Self((low + ((next.first_advance() as u64) << 16)) | (second << 48))
    }

    #[inline(always)]
    pub fn is_coefficient(self) -> bool {
        self.0 >> 32 != 0
    }

    #[inline(always)]
    pub fn first(self) -> i16 {
        (self.0 >> 32) as i16
    }

    #[inline(always)]
    pub fn second(self) -> i16 {
        (self.0 >> 48) as i16
    }

    #[inline(always)]
    pub fn first_advance(self) -> usize {
        (self.0 >> 8 & 0xff) as usize
    }

    #[inline(always)]
    pub fn advance(self) -> usize {
        (self.0 >> 16 & 0xff) as usize
    }

    #[inline(always)]
    pub fn ends(self) -> bool {
        self.advance() >= Self::END
    }

    /// The mask is the one that a shift by so many bits has anyway.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        (self.0 & 63) as u32
    }

    fn as_symbol(self) -> Symbol {
        Symbol { symbol: (self.0 >> 8) as u8, bits: self.bits() }
    }
}

/// How far the coefficients reach that are told by the bits looked up: from the lowest bit on the bits used (6 bits),
/// and by how much they advance (8 bits), counting the block's end for one. The highest bit is set if the end is there.
#[derive(Clone, Copy, Debug)]
pub struct Skip(u16);

impl Skip {
    const END: u16 = 1 << 15;
    /// Further than any block reaches.
    const NOTHING: Self = Self(0xff << 6);

    #[inline(always)]
    pub fn bits(self) -> u32 {
        u32::from(self.0 & 63)
    }

    #[inline(always)]
    pub fn advance(self) -> usize {
        usize::from(self.0 >> 6 & 0xff)
    }

    #[inline(always)]
    pub fn ends(self) -> bool {
        self.0 & Self::END != 0
    }
}

/// A symbol and the bits of its code.
#[derive(Clone, Copy, Debug)]
pub struct Symbol {
    symbol: u8,
    pub bits: u32,
}

impl Symbol {
    /// Zeros before the coefficient.
    pub fn run(self) -> usize {
        usize::from(self.symbol >> 4)
    }

    /// Whether it is the end of the block, rather than a coefficient or 16 zeros.
    pub fn is_end(self) -> bool {
        self.size() == 0 && self.run() < 15
    }

    /// Bits that hold its value.
    pub fn size(self) -> u32 {
        u32::from(self.symbol & 15)
    }
}

/// The value that `size` bits stand for (F.2.2.1), 1 or more: those that begin with 0 are the negative ones.
#[inline(always)]
pub fn extend(bits: u32, size: u32) -> i32 {
    let negative = (bits >> (size - 1) & 1) ^ 1;
    bits as i32 - (((1 << size) - 1) & -(negative as i32))
}

/// What a table's symbols are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Dc,
    Ac,
}

/// The table of one kind and number.
#[derive(Debug)]
pub struct Table {
    definition: Vec<u8>,
    lookup: Box<[Entry; LOOKUPS]>,
    skips: Box<[Skip; LOOKUPS]>,
    /// For each length, the first 16 bits that are no code of this length or a shorter one.
    limits: [u32; 17],
    /// For each length, the index of a code's symbol less the code.
    offsets: [i32; 17],
}

impl Default for Table {
    fn default() -> Self {
        Self {
            definition: Vec::new(),
            lookup: Box::new([Entry::default(); LOOKUPS]),
            skips: Box::new([Skip::NOTHING; LOOKUPS]),
            limits: [0; 17],
            offsets: [0; 17],
        }
    }
}

impl Table {
    /// Makes this the table that `definition` describes: 16 counts of codes by length, then their symbols. `None` if
    /// there are more codes than bits for them. Many files have the same tables, so this looks first if it is the same.
    pub fn define(&mut self, kind: Kind, definition: &[u8]) -> Option<()> {
        if self.definition == definition {
            return Some(());
        }
        self.definition.clear();
        self.lookup.fill(Entry::default());
        let (counts, symbols) = definition.split_at_checked(16)?;
        let (mut code, mut index) = (0_u32, 0);
        for (length, &count) in (1..).zip(counts) {
            self.offsets[length as usize] = index as i32 - code as i32;
            for &symbol in symbols.get(index..index + usize::from(count))? {
                if code >> length != 0 {
                    return None;
                }
                self.enter(symbol, code, length);
                code += 1;
            }
            index += usize::from(count);
            self.limits[length as usize] = code << (16 - length);
            code <<= 1;
        }
        self.join_skips();
        if kind == Kind::Ac {
            self.join_entries();
        }
        self.definition.extend_from_slice(definition);
        Some(())
    }

    /// Whether every symbol is a number of bits alone, as a table for DC differences must have them.
    pub fn is_for_dc(&self) -> bool {
        self.definition[16..].iter().all(|&symbol| symbol < 16)
    }

    fn enter(&mut self, symbol: u8, code: u32, length: u32) {
        let Some(spare) = LOOKUP_BITS.checked_sub(length) else { return };
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        let first = (code << spare) as usize;
        for (rest, entry) in (0..1 << spare).zip(&mut self.lookup[first..]) {
            *entry = if (1..=spare).contains(&size) {
                Entry::coefficient(extend(rest >> (spare - size), size), run, length + size)
            } else {
                Entry::symbol(symbol, length)
            };
        }
    }

    /// Joins the entries that fit into one lookup, for blocks whose values nobody wants.
    fn join_skips(&mut self) {
        for (first, skip) in self.skips.iter_mut().enumerate() {
            let (mut bits, mut advance, mut end) = (0, 0, 0);
            while bits < LOOKUP_BITS && end == 0 {
                let entry = self.lookup[first << bits & (LOOKUPS - 1)];
                if entry.bits() == 0 || bits + entry.bits() > LOOKUP_BITS {
                    break;
                }
                let symbol = entry.as_symbol();
                (bits, advance, end) = match (entry.is_coefficient(), symbol.size()) {
                    (true, _) => (bits + entry.bits(), advance + entry.first_advance(), 0),
                    (false, _) if symbol.is_end() => (bits + entry.bits(), advance + 1, Skip::END),
                    (false, size) => (bits + entry.bits() + size, advance + symbol.run() + 1, 0),
                };
            }
            *skip = if bits == 0 { Skip::NOTHING } else { Skip(end | (advance as u16) << 6 | bits as u16) };
        }
    }

    /// Joins two coefficients, or one and the end of the block, that fit into one lookup.
    fn join_entries(&mut self) {
        let single = *self.lookup;
        for (first, entry) in self.lookup.iter_mut().enumerate() {
            let next = single[first << entry.bits() & (LOOKUPS - 1)];
            let fits = next.bits() > 0 && entry.bits() + next.bits() <= LOOKUP_BITS;
            if entry.is_coefficient() && fits && (next.is_coefficient() || next.as_symbol().is_end()) {
                *entry = entry.and(next);
            }
        }
    }

    #[inline(always)]
    pub fn entry(&self, next: u64) -> Entry {
        self.lookup[(next >> (64 - LOOKUP_BITS)) as usize]
    }

    #[inline(always)]
    pub fn skip(&self, next: u64) -> Skip {
        self.skips[(next >> (64 - LOOKUP_BITS)) as usize]
    }

    /// The symbol that `next` begins with, given its entry. `None` if there is no such code.
    #[inline(always)]
    pub fn symbol(&self, entry: Entry, next: u64) -> Option<Symbol> {
        if entry.bits() > 0 && !entry.is_coefficient() { Some(entry.as_symbol()) } else { self.long_symbol(next) }
    }

    /// The symbol of a code longer than the lookup, or of any code if nothing was looked up.
    #[cold]
    fn long_symbol(&self, next: u64) -> Option<Symbol> {
        let next = (next >> 48) as u32;
        let bits = (1..=16).find(|&bits| next < self.limits[bits])?;
        let index = (next >> (16 - bits)) as i32 + self.offsets[bits];
        let &symbol = self.definition.get(16 + usize::try_from(index).ok()?)?;
        Some(Symbol { symbol, bits: bits as u32 })
    }
}
