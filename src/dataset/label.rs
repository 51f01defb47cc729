//! The class of one image of an iterator, by number or by name.

/// The class of one image: its number, or its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// An index into the classes, from 0; those below are refused.
    Number(i128),
    /// The name of a class.
    Name(String),
}

macro_rules! label_from_number {
    ($($number:ty),*) => {$(
        impl From<$number> for Label {
            fn from(number: $number) -> Self {
                Self::Number(number as i128)
            }
        }
    )*};
}

label_from_number!(u8, u16, u32, u64, usize, i32, i64);

impl From<&str> for Label {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for Label {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}
