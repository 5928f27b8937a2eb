//! Reads heads from bytes. Nothing is trusted: bytes of another form are refused, and a head whose rest
//! cannot be read, or is not what its front says, is a session that cannot be read.

use std::borrow::Cow;

use crate::error::{Cause, Error, Result};
use crate::store::filter::Filter;
use crate::store::shared::Shared;
use crate::store::tally::Measured;
use crate::stored::head::{Head, Usage};
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::properties::{Stored, decoded};
use crate::value::time::Timestamp;
use crate::value::tokens::Tokens;

use super::form::FORM;

/// Bytes with heads, and the names and kinds that the heads refer to.
#[derive(Clone)]
pub(in crate::store) struct Block {
    bytes: Vec<u8>,
    names: Vec<String>,
    kinds: Vec<Kind>,
}

/// What sessions of a kind share, with names as they are referred to.
#[derive(Clone)]
struct Kind {
    user: usize,
    mode: usize,
    status: Status,
    is_in_trash: bool,
    model: usize,
}

/// What is read at first.
#[derive(Default)]
pub(in crate::store) struct Index {
    /// The heads, in the order of creation.
    pub(in crate::store) heads: Vec<Front>,
    /// The places of the heads in the order of their ids, of those with a user in the order of the users,
    /// and of all in the order of their statuses.
    pub(in crate::store) orders: [Vec<usize>; 3],
    /// The sessions that are no longer there.
    pub(in crate::store) gone: Vec<SessionId>,
}

/// The front of a head.
pub(in crate::store) struct Front {
    pub(in crate::store) id: SessionId,
    pub(in crate::store) created_at: Timestamp,
    /// The place of its kind.
    pub(in crate::store) kind: usize,
    pub(in crate::store) measured: Measured,
    /// Where the head begins among the bytes, and where it ends.
    pub(in crate::store) part: (usize, usize),
}

/// What is known of a session whose head was not read.
pub(in crate::store) struct Known<'b> {
    pub(in crate::store) shared: Shared<'b>,
    pub(in crate::store) is_in_trash: bool,
    pub(in crate::store) created_at: Timestamp,
    pub(in crate::store) measured: Measured,
    /// The head as JSON.
    rest: &'b [u8],
}

impl Known<'_> {
    /// Whether a filter selects the session; nothing if that is not known before its head is read.
    pub(in crate::store) fn is_selected_by(&self, filter: &Filter) -> Option<bool> {
        let iterations = self.measured.iterations;
        let is_selected = filter.admits(self.shared, self.created_at, iterations, self.is_in_trash)
            && (filter.text.is_none() || filter.admits_task(&self.task()?));
        (!is_selected || !filter.needs_heads()).then_some(is_selected)
    }

    /// The task. It is among the first properties, so that finding it takes a part of the time that reading the
    /// head takes, and is not kept.
    fn task(&self) -> Option<Cow<'_, str>> {
        let text = std::str::from_utf8(self.rest).ok()?;
        let mut entries = Tokens::of(text).entries()?;
        let (_, task) = entries.find(|(key, _)| *key == "\"task\"")?;
        Some(decoded(task))
    }
}

impl Block {
    /// Reads names, kinds and what is in front of the heads.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub(in crate::store) fn read(bytes: Vec<u8>) -> Result<(Self, Index)> {
        let mut block = Self {
            bytes: Vec::new(),
            names: Vec::new(),
            kinds: Vec::new(),
        };
        let mut index = Index::default();
        if block.index(&bytes, &mut index).is_none() {
            let problem = "expected the bytes that the operation `heads` returns";
            return Err(Error::invalid("bytes", problem));
        }
        block.bytes = bytes;
        Ok((block, index))
    }

    fn index(&mut self, bytes: &[u8], index: &mut Index) -> Option<()> {
        let rest = bytes.strip_prefix(FORM)?;
        let mut reader = Reader { rest };
        for _ in 0..reader.number()? {
            self.names.push(reader.text()?.to_owned());
        }
        for _ in 0..reader.number()? {
            self.kinds.push(Kind {
                user: reader.number()?,
                mode: reader.number()?,
                status: *Status::ALL.get(reader.number()?)?,
                is_in_trash: reader.number()? == 1,
                model: reader.number()?,
            });
        }
        for _ in 0..reader.number()? {
            let rest = reader.bytes()?;
            let end = bytes.len() - reader.rest.len();
            let front = Reader { rest }.front((end - rest.len(), end))?;
            self.kinds.get(front.kind)?;
            index.heads.push(front);
        }
        for (nth, order) in index.orders.iter_mut().enumerate() {
            let is_by_user = nth == 1;
            let is_in = |front: &Front| {
                !is_by_user || self.kinds.get(front.kind).is_some_and(|kind| kind.user > 0)
            };
            let mut left: Vec<bool> = index.heads.iter().map(is_in).collect();
            let length = left.iter().filter(|is_left| **is_left).count();
            if is_by_user && reader.number()? != length {
                return None;
            }
            for _ in 0..length {
                let place = reader.number()?;
                if !std::mem::replace(left.get_mut(place)?, false) {
                    return None;
                }
                order.push(place);
            }
        }
        for _ in 0..reader.number()? {
            index.gone.push(reader.id()?);
        }
        let [by_id, ..] = &index.orders;
        let id = |place: &usize| index.heads.get(*place).map(|head| &head.id);
        let is_each_there_once = by_id.is_sorted_by(|a, b| id(a) < id(b));
        (is_each_there_once && reader.rest.is_empty()).then_some(())
    }

    /// What the sessions of each kind share.
    pub(in crate::store) fn kinds(&self) -> impl Iterator<Item = Shared<'_>> {
        self.kinds.iter().map(|kind| self.shared(kind))
    }

    /// Whether the sessions of a kind are in the trash.
    pub(in crate::store) fn is_in_trash(&self, kind: usize) -> bool {
        self.kinds.get(kind).is_some_and(|kind| kind.is_in_trash)
    }

    fn shared(&self, kind: &Kind) -> Shared<'_> {
        let name = |number: usize| Some(self.names.get(number.checked_sub(1)?)?.as_str());
        Shared {
            user_id: name(kind.user),
            mode: name(kind.mode),
            status: Some(kind.status),
            model: name(kind.model),
        }
    }

    /// What is known of the head that is at a part of the bytes.
    pub(in crate::store) fn known(&self, part: (usize, usize)) -> Option<Known<'_>> {
        let rest = self.bytes.get(part.0..part.1)?;
        let mut reader = Reader { rest };
        reader.bytes()?;
        let (created_at, kind, measured) = reader.known()?;
        let kind = self.kinds.get(kind)?;
        Some(Known {
            shared: self.shared(kind),
            is_in_trash: kind.is_in_trash,
            created_at,
            measured,
            rest: reader.rest,
        })
    }

    /// The whole head that is at a part of the bytes.
    ///
    /// # Errors
    /// `CORRUPT_SESSION`.
    pub(in crate::store) fn head(&self, part: (usize, usize)) -> Result<Head> {
        let rest = self.bytes.get(part.0..part.1).unwrap_or_default();
        let mut reader = Reader { rest };
        let front = reader.front(part);
        let id = front.as_ref().map(|front| front.id.to_string());
        let head = front.and_then(|front| {
            let text = std::str::from_utf8(reader.rest).ok()?;
            let head = Head::read("head", text).ok()?;
            let kind = self.kinds.get(front.kind)?;
            let Shared {
                user_id,
                mode,
                status,
                model,
            } = self.shared(kind);
            let is_that = head.id == front.id
                && head.created_at == front.created_at
                && head.user_id.as_deref() == user_id
                && Some(head.mode.as_str()) == mode
                && Some(head.status) == status
                && head.deleted_at.is_some() == kind.is_in_trash
                && head.model().as_deref() == model
                && Measured::of(&head) == front.measured;
            is_that.then_some(head)
        });
        head.ok_or_else(|| {
            Cause::CorruptSession {
                id: id.unwrap_or_default(),
                problem: "the bytes that were loaded are damaged".to_owned(),
            }
            .into()
        })
    }
}

/// What is left to read.
struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    /// Reads the front of a head.
    fn front(&mut self, part: (usize, usize)) -> Option<Front> {
        let id = self.id()?;
        let (created_at, kind, measured) = self.known()?;
        Some(Front {
            id,
            created_at,
            kind,
            measured,
            part,
        })
    }

    /// Reads the front of a head after its id.
    fn known(&mut self) -> Option<(Timestamp, usize, Measured)> {
        let at = self.long()?;
        let at = (at >> 1) as i64 ^ -((at & 1) as i64);
        let kind = self.number()?;
        let measured = Measured {
            iterations: self.long()? as u32,
            usage: Usage {
                prompt_tokens: self.long()?,
                completion_tokens: self.long()?,
                cost_nanos: self.long()?,
            },
            duration: self.long()?.checked_sub(1),
        };
        Some((Timestamp::from_millis(at).ok()?, kind, measured))
    }

    fn id(&mut self) -> Option<SessionId> {
        SessionId::parse(self.text()?).ok()
    }

    fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.number()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<usize> {
        self.long()?.try_into().ok()
    }

    fn long(&mut self) -> Option<u64> {
        let mut number = 0;
        let mut shift = 0;
        while shift < 64 {
            let (digit, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(digit & 0x7f) << shift;
            if digit & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
        None
    }
}
