//! What stands before a JPEG file's compressed data (ITU-T T.81, annex B): the frame, its tables, and how its colours
//! are coded.

use super::zigzag::ZIGZAG;
use crate::image::Size;

/// How the components become colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Gray,
    YCbCr,
    Rgb,
}

/// One component of the frame.
#[derive(Clone, Copy, Debug)]
pub struct Component<'a> {
    id: u8,
    /// Blocks in an MCU, across and down.
    pub blocks: (usize, usize),
    /// The quantization steps in the order of [`ZIGZAG`]'s values, as products of 16 bits.
    pub steps: [i16; 64],
    /// The definitions of the Huffman tables: 16 counts, then the symbols.
    pub dc: &'a [u8],
    pub ac: &'a [u8],
    /// Which of the four tables of each kind they are.
    pub dc_id: usize,
    pub ac_id: usize,
}

/// A file of the plain kind: one frame, sequential, Huffman coded, 8 bits, one interleaved scan of 1 or 3 components.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    pub size: Size,
    components: [Component<'a>; 3],
    count: usize,
    pub coding: Coding,
    /// MCUs from one restart marker to the next; 0 where there are none.
    pub restart_interval: usize,
    /// The TIFF structure of the EXIF block.
    pub exif: Option<&'a [u8]>,
    /// What follows the scan's header: the compressed data, and all behind it.
    pub scan: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the header of `bytes`, a whole JPEG file. `None` if the file is of another kind, or damaged.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut headers = Headers::default();
        let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
        loop {
            let (marker, segment, behind) = next_segment(rest)?;
            rest = behind;
            match marker {
                0xc0 | 0xc1 if headers.frame.is_none() => headers.frame = Some(segment),
                0xc4 => headers.huffman(segment)?,
                0xdb => headers.quantization(segment)?,
                0xdd => headers.restart_interval = usize::from(u16::from_be_bytes(*segment.first_chunk()?)),
                0xe0 if segment.starts_with(b"JFIF\0") => headers.jfif = true,
                0xe1 => headers.exif = headers.exif.or(segment.strip_prefix(b"Exif\0\0")),
                0xee if segment.starts_with(b"Adobe") => headers.adobe = segment.get(11).copied(),
                0xda => return headers.frame(segment, rest),
                0xe0..=0xef | 0xfe => {}
                _ => return None,
            }
        }
    }

    pub fn components(&self) -> &[Component<'a>] {
        &self.components[..self.count]
    }
}

/// The next marker, its segment without the length, and what follows.
fn next_segment(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&0xff, mut rest) = bytes.split_first()? else { return None };
    while let Some((0xff, behind)) = rest.split_first() {
        rest = behind;
    }
    let (&marker, rest) = rest.split_first()?;
    let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
    let segment = rest.get(2..length)?;
    Some((marker, segment, &rest[length..]))
}

#[derive(Default)]
struct Headers<'a> {
    frame: Option<&'a [u8]>,
    dc: [Option<&'a [u8]>; 4],
    ac: [Option<&'a [u8]>; 4],
    steps: [Option<[i16; 64]>; 4],
    restart_interval: usize,
    jfif: bool,
    adobe: Option<u8>,
    exif: Option<&'a [u8]>,
}

impl<'a> Headers<'a> {
    fn huffman(&mut self, mut segment: &'a [u8]) -> Option<()> {
        while let Some((&target, rest)) = segment.split_first() {
            let symbols: usize = rest.get(..16)?.iter().map(|&count| usize::from(count)).sum();
            let definition = rest.get(..16 + symbols)?;
            let tables = match target >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            *tables.get_mut(usize::from(target & 15))? = Some(definition);
            segment = &rest[definition.len()..];
        }
        Some(())
    }

    fn quantization(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((&target, rest)) = segment.split_first() {
            let wide = match target >> 4 {
                0 => false,
                1 => true,
                _ => return None,
            };
            let values = rest.get(..if wide { 128 } else { 64 })?;
            let mut steps = [0; 64];
            for (i, &place) in ZIGZAG.iter().enumerate() {
                let value =
                    if wide { u16::from_be_bytes([values[2 * i], values[2 * i + 1]]) } else { u16::from(values[i]) };
                steps[usize::from(place)] = value as i16;
            }
            *self.steps.get_mut(usize::from(target & 15))? = Some(steps);
            segment = &rest[values.len()..];
        }
        Some(())
    }

    fn frame(self, scan_header: &[u8], scan: &'a [u8]) -> Option<Frame<'a>> {
        let (&[8, y1, y0, x1, x0, count], specs) = self.frame?.split_first_chunk()? else { return None };
        let (size, count) = (Size::new(be(y1, y0), be(x1, x0)), usize::from(count));
        if !matches!(count, 1 | 3) || specs.len() != 3 * count || size.height == 0 || size.width == 0 {
            return None;
        }
        let (&[selected], selectors) = scan_header.split_first_chunk()?;
        // All coefficients at full precision, as every sequential scan has them.
        if usize::from(selected) != count || *selectors.get(2 * count..)? != [0, 63, 0] {
            return None;
        }
        let empty = Component { id: 0, blocks: (1, 1), steps: [0; 64], dc: &[], ac: &[], dc_id: 0, ac_id: 0 };
        let mut components = [empty; 3];
        for ((component, spec), selector) in
            components.iter_mut().zip(specs.chunks_exact(3)).zip(selectors.chunks_exact(2))
        {
            *component = self.component(spec, selector)?;
        }
        if count == 1 {
            // A scan of one component has one block in each MCU, whatever the sampling (A.2.2).
            components[0].blocks = (1, 1);
        }
        is_usual_sampling(&components[..count]).then(|| Frame {
            size,
            coding: self.coding(&components[..count]),
            components,
            count,
            restart_interval: self.restart_interval,
            exif: self.exif,
            scan,
        })
    }

    fn component(&self, spec: &[u8], selector: &[u8]) -> Option<Component<'a>> {
        let (id, sampling, quantization_id) = (spec[0], spec[1], spec[2]);
        let (dc_id, ac_id) = (usize::from(selector[1] >> 4), usize::from(selector[1] & 15));
        if selector[0] != id {
            return None;
        }
        Some(Component {
            id,
            blocks: (usize::from(sampling >> 4), usize::from(sampling & 15)),
            steps: (*self.steps.get(usize::from(quantization_id))?)?,
            dc: (*self.dc.get(dc_id)?)?,
            ac: (*self.ac.get(ac_id)?)?,
            dc_id,
            ac_id,
        })
    }

    /// As libjpeg guesses: a JFIF marker means YCbCr, Adobe's marker says it, and the identifiers "RGB" mean RGB.
    fn coding(&self, components: &[Component]) -> Coding {
        match (components, self.adobe) {
            ([_], _) => Coding::Gray,
            _ if self.jfif => Coding::YCbCr,
            (_, Some(0)) => Coding::Rgb,
            (_, Some(_)) => Coding::YCbCr,
            (components, None) if components.iter().map(|component| component.id).eq(*b"RGB") => Coding::Rgb,
            _ => Coding::YCbCr,
        }
    }
}

fn be(high: u8, low: u8) -> usize {
    usize::from(u16::from_be_bytes([high, low]))
}

/// Whether each component's samples lie on a whole number of the densest component's, in an MCU of at most 10 blocks
/// (B.2.3).
fn is_usual_sampling(components: &[Component]) -> bool {
    let fits = |blocks: fn(&Component) -> usize| {
        let most = components.iter().map(blocks).max().unwrap_or(0);
        components.iter().map(blocks).all(|count| matches!(count, 1..=4) && most % count == 0)
    };
    let total: usize = components.iter().map(|component| component.blocks.0 * component.blocks.1).sum();
    fits(|component| component.blocks.0) && fits(|component| component.blocks.1) && total <= 10
}
