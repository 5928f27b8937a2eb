//! Heads in memory that were loaded as bytes and were not needed yet.

use crate::error::Result;
use crate::store::counts::Counted;
use crate::store::heads::{Block, Known};
use crate::stored::head::Head;

/// Heads as bytes, by the places of their sessions.
#[derive(Clone, Default)]
pub(super) struct Packed {
    blocks: Vec<PackedBlock>,
    heads: Vec<Option<PackedHead>>,
}

/// A block, and how many of its heads are still packed.
#[derive(Clone)]
struct PackedBlock {
    block: Option<Block>,
    left: usize,
}

#[derive(Clone, Copy)]
struct PackedHead {
    block: usize,
    part: (usize, usize),
    counted: Counted,
}

impl Packed {
    /// The number of places among which there may be packed heads.
    pub(super) fn places(&self) -> usize {
        self.heads.len()
    }

    /// Adds a block, whose heads get places that follow each other: of each its part, and where it is counted.
    pub(super) fn add(
        &mut self,
        block: Block,
        first: usize,
        heads: impl Iterator<Item = ((usize, usize), Counted)>,
    ) {
        let number = self.blocks.len();
        self.heads.resize(first, None);
        self.heads.extend(heads.map(|(part, counted)| {
            Some(PackedHead {
                block: number,
                part,
                counted,
            })
        }));
        self.blocks.push(PackedBlock {
            block: Some(block),
            left: self.heads.len() - first,
        });
    }

    /// What is known of the head of a place, if it is packed, and where it is counted.
    pub(super) fn known(&self, place: usize) -> Option<(Known<'_>, Counted)> {
        let packed = self.heads.get(place)?.as_ref()?;
        let block = self.blocks.get(packed.block)?.block.as_ref()?;
        Some((block.known(packed.part)?, packed.counted))
    }

    /// Unpacks the head of a place, if it is packed: the head, and where it is counted. One that cannot be
    /// read stays.
    pub(super) fn take(&mut self, place: usize) -> Result<Option<(Head, Counted)>> {
        let Some(packed) = self.heads.get_mut(place) else {
            return Ok(None);
        };
        let Some(found) = *packed else {
            return Ok(None);
        };
        let Some(packed_block) = self.blocks.get_mut(found.block) else {
            return Ok(None);
        };
        let Some(block) = &packed_block.block else {
            return Ok(None);
        };
        let head = block.head(found.part)?;
        *packed = None;
        packed_block.left -= 1;
        if packed_block.left == 0 {
            packed_block.block = None;
        }
        Ok(Some((head, found.counted)))
    }
}
