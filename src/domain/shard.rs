//! Shards of a list, dealt round-robin, so that several machines can split one list.

use std::str::FromStr;

/// One of several shards of the cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 1.
    pub index: usize,
    /// The number of shards.
    pub count: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a shard: 2/5 is the second of five");
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let index: usize = index.trim().parse().map_err(|_| wrong())?;
        let count: usize = count.trim().parse().map_err(|_| wrong())?;
        if index == 0 || index > count {
            return Err(format!(
                "`{text}` is not a shard: the first number goes from 1 to the second"
            ));
        }
        Ok(Self { index, count })
    }
}

impl Shard {
    /// Whether the case at `position`, from 0, of the selected cases is in this shard.
    pub fn takes(self, position: usize) -> bool {
        position % self.count == self.index - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_parsed_and_split_the_cases() {
        let shards: Vec<Shard> = ["1/3", "2/3", "3/3"]
            .iter()
            .map(|text| text.parse().expect("a shard"))
            .collect();
        for position in 0..10 {
            let takers = shards.iter().filter(|shard| shard.takes(position)).count();
            assert_eq!(takers, 1);
        }
        for text in ["", "1", "0/3", "4/3", "1/0", "a/b", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
