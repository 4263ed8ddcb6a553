//! Server-sent events, as the stream of the mock sends them.

/// Reads server-sent events from the chunks of a stream.
#[derive(Debug, Default)]
pub(super) struct ServerSentEvents {
    buffer: Vec<u8>,
    /// Bytes at the start of the buffer that were returned already.
    used: usize,
}

impl ServerSentEvents {
    /// Appends a chunk.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.buffer.drain(..self.used);
        self.used = 0;
        self.buffer.extend_from_slice(chunk);
    }

    /// The lines of the next complete event or comment.
    pub(super) fn next(&mut self) -> Option<&str> {
        let rest = &self.buffer[self.used..];
        let end = rest.windows(2).position(|pair| pair == b"\n\n")?;
        self.used += end + 2;
        Some(std::str::from_utf8(&rest[..end]).unwrap_or_default())
    }
}

/// Number, kind and data of an event; `None` for a comment.
pub(super) fn fields(text: &str) -> Option<(u64, &str, &str)> {
    let field = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value.map(str::trim_start)
    };
    let number = field("id:")?.parse().unwrap_or(0);
    Some((number, field("event:")?, field("data:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_across_chunks_and_comments() {
        let mut events = ServerSentEvents::default();
        events.push(b": connected\n\nid: 7\nevent: ga");
        assert_eq!(events.next().map(fields), Some(None));
        assert_eq!(events.next(), None);
        events.push(b"p\ndata: {}\n\nid: 8\nevent: call\ndata: {\"a\":1}\n\n");
        let found = events.next().and_then(fields);
        assert_eq!(found, Some((7, "gap", "{}")));
        let found = events.next().and_then(fields);
        assert_eq!(found, Some((8, "call", "{\"a\":1}")));
        assert_eq!(events.next(), None);
    }
}
