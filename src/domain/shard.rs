//! Parts of a list that are taken in turn, so that several machines share one list out.

use std::str::FromStr;

/// One of several parts of the cases, taken in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    pub index: usize,
    /// Of how many.
    pub of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a shard: 2/5 is the second of five");
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let index: usize = index.trim().parse().map_err(|_| wrong())?;
        let of: usize = of.trim().parse().map_err(|_| wrong())?;
        if index == 0 || index > of {
            return Err(format!(
                "`{text}` is not a shard: the first number goes from 1 to the second"
            ));
        }
        Ok(Self { index, of })
    }
}

impl Shard {
    /// Whether it takes the case at `position`, from 0, among those that are selected.
    pub fn takes(self, position: usize) -> bool {
        position % self.of == self.index - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_read_and_share_the_cases_out() {
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
