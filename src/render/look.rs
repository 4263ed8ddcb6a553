//! The look of text, as SGR escape sequences name it.

/// The look that a program gives a piece of its output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Look {
    /// The colour of the letters.
    pub colour: Option<Colour>,
    /// Whether they are bold.
    pub bold: bool,
    /// Whether they are fainter than others.
    pub dim: bool,
    /// Whether they are underlined.
    pub underline: bool,
}

/// A colour, as SGR sequences name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Colour {
    /// One of the palette: 0 to 15 are the colours that terminals name.
    Palette(u8),
    /// Red, green and blue.
    Rgb(u8, u8, u8),
}

impl Look {
    /// Applies the parameters of an SGR sequence, such as `1;38;5;208`.
    pub(super) fn change(&mut self, parameters: &str) {
        let mut numbers = parameters
            .split([';', ':'])
            .map(|number| number.parse().unwrap_or(0_u8));
        while let Some(number) = numbers.next() {
            match number {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                4 => self.underline = true,
                22 => (self.bold, self.dim) = (false, false),
                24 => self.underline = false,
                30..=37 => self.colour = Some(Colour::Palette(number - 30)),
                90..=97 => self.colour = Some(Colour::Palette(number - 82)),
                39 => self.colour = None,
                38 => self.colour = colour(&mut numbers),
                // A background's colour has parameters too.
                48 => drop(colour(&mut numbers)),
                _ => {}
            }
        }
    }
}

/// The colour after 38 or 48.
fn colour(numbers: &mut impl Iterator<Item = u8>) -> Option<Colour> {
    match numbers.next()? {
        5 => numbers.next().map(Colour::Palette),
        2 => Some(Colour::Rgb(
            numbers.next()?,
            numbers.next()?,
            numbers.next()?,
        )),
        _ => None,
    }
}
