//! Sums and differences of newtypes over one integer.
//!
//! Invariant: `None` exactly when the result does not fit into the integer.

/// Adds and takes away without wrapping.
macro_rules! checked_sums {
    ($quantity:ty) => {
        impl $quantity {
            /// `None` on overflow.
            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// `None` on overflow; of what has no sign, when `other` is larger.
            #[must_use]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(difference) => Some(Self(difference)),
                    None => None,
                }
            }
        }
    };
}

pub(crate) use checked_sums;
