//! New ids and tokens, in Box's form. The host seeds the source, so a test can repeat a run.

use crate::domain::secret::Secret;

/// A source of new ids. A reset does not restart the numbers.
#[derive(Clone, Debug)]
pub struct Ids {
    random: u64,
    last_number: u64,
}

/// The first number of new files, far from those in captures.
const FIRST_NUMBER: u64 = 7_000_000_000_000;

impl Ids {
    /// A source whose ids depend on `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self {
            random: seed,
            last_number: FIRST_NUMBER,
        }
    }

    /// A UUID of version 4, in its text form.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 50),
            low & 0xffff_ffff_ffff
        )
    }

    /// A new number: of a file, a version, a folder. Never given twice.
    pub fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Reserves a number that is already in use: later ones are greater.
    pub fn reserve(&mut self, id: &str) {
        const RESERVED: std::ops::Range<u64> = FIRST_NUMBER..2 * FIRST_NUMBER;
        if let Ok(number) = id.parse()
            && RESERVED.contains(&number)
        {
            self.last_number = self.last_number.max(number);
        }
    }

    /// A few digits, as at the end of an invocation's id.
    pub fn digits(&mut self) -> u64 {
        100_000_000 + self.next() % 900_000_000
    }

    /// A bearer token of 32 letters and digits, as Box's are. It has letters of both cases and a
    /// digit, by which the redactor recognises a token in the output of a skill.
    pub fn token(&mut self) -> Secret {
        loop {
            let text = self.letters();
            let has = |is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
            if has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
            {
                return Secret::new(text);
            }
        }
    }

    fn letters(&mut self) -> String {
        const LETTERS: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut text = String::with_capacity(32);
        while text.len() < 32 {
            let mut bits = self.next();
            for _ in 0..8 {
                text.push(char::from(LETTERS[(bits % 62) as usize]));
                bits /= 62;
            }
        }
        text
    }

    /// A key for what is signed and checked by the state machine alone.
    pub fn key(&mut self) -> [u8; 16] {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.next().to_le_bytes());
        key[8..].copy_from_slice(&self.next().to_le_bytes());
        key
    }

    /// splitmix64.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.random)
    }
}

/// The finaliser of splitmix64: spreads every bit of `value` over all of the result.
pub fn mix(value: u64) -> u64 {
    let mut z = value;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_redactor_recognises_every_minted_token() {
        let mut ids = Ids::new(7);
        for _ in 0..5000 {
            let token = ids.token();
            let printed = format!("Error: 401 for {}", token.expose());
            let shown = crate::domain::secret::redact_output(&printed);
            assert!(!shown.contains(token.expose()), "{shown}");
        }
    }

    #[test]
    fn ids_have_box_forms_and_do_not_repeat() {
        let mut ids = Ids::new(1);
        let uuid = ids.uuid();
        assert!(uuid::Uuid::parse_str(&uuid).is_ok(), "{uuid}");
        assert_eq!(ids.token().expose().len(), 32);
        let tokens: HashSet<_> = (0..1000).map(|_| ids.token()).collect();
        assert_eq!(tokens.len(), 1000);
        assert!(ids.number() < ids.number());
    }

    #[test]
    fn numbers_continue_after_reserved_ones() {
        let mut ids = Ids::new(1);
        let next = ids.number() + 10;
        for reserved in [
            "1",
            "not a number",
            "18446744073709551615",
            &next.to_string(),
        ] {
            ids.reserve(reserved);
        }
        assert_eq!(ids.number(), next + 1);
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        assert_eq!(Ids::new(7).uuid(), Ids::new(7).uuid());
        assert_ne!(Ids::new(7).uuid(), Ids::new(8).uuid());
    }
}
