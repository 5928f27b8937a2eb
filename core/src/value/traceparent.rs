//! The position of a call in a distributed trace, as the header `traceparent` of W3C Trace Context has it.

use std::fmt;

/// The position of a call in a trace: `00-TRACE-SPAN-FLAGS`, in lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

/// The length of the text.
const TEXT_BYTES: usize = 55;

impl TraceParent {
    /// Reads a header. `None` for another version, and for a trace or a span of zeros: as W3C has it, such a header is
    /// ignored, and no reason to refuse a call.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain =
            |byte: u8| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != TEXT_BYTES || !text.bytes().all(is_plain) {
            return None;
        }
        let mut parts = text.split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || version != "00" || trace.len() != 32 || span.len() != 16 {
            return None;
        }
        let parsed = Self {
            trace_id: u128::from_str_radix(trace, 16).ok()?,
            span_id: u64::from_str_radix(span, 16).ok()?,
            flags: u8::from_str_radix(flags, 16).ok()?,
        };
        (parsed.trace_id != 0 && parsed.span_id != 0).then_some(parsed)
    }

    /// The id of the trace, in 32 digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// Whether the caller has recorded its span.
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            span_id,
            flags,
        } = self;
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{flags:02x}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::TraceParent;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    proptest! {
        #[test]
        fn what_is_read_is_printed_as_it_was(trace in 1_u128.., span in 1_u64.., flags: u8) {
            let text = format!("00-{trace:032x}-{span:016x}-{flags:02x}");
            let parsed = TraceParent::parse(&text);
            prop_assert_eq!(parsed.map(|parsed| parsed.to_string()), Some(text));
        }

        #[test]
        fn no_text_breaks_it(text in ".{0,60}") {
            let _ = TraceParent::parse(&text);
        }
    }

    #[test]
    fn invalid_headers_are_ignored() {
        assert!(TraceParent::parse(TEXT).is_some_and(|parsed| parsed.is_sampled()));
        for text in [
            "",
            &TEXT.replace("00-4", "ff-4"),
            &TEXT.to_uppercase(),
            &TEXT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &TEXT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &TEXT.replace('-', "0"),
            &format!("{TEXT}-"),
        ] {
            assert_eq!(TraceParent::parse(text), None, "{text}");
        }
    }
}
