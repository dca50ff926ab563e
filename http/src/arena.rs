//! Memory for the strings of one environ.

/// One block, handed out piece by piece. Whoever makes it computes what is needed: pieces that no longer fit
/// are cut.
pub struct Arena<'a> {
    rest: &'a mut [u8],
}

impl<'a> Arena<'a> {
    /// Hands out `block`.
    pub fn new(block: &'a mut [u8]) -> Self {
        Self { rest: block }
    }

    /// How much is left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Takes `len` bytes; fewer when no more are left.
    pub fn take(&mut self, len: usize) -> &'a mut [u8] {
        let len = len.min(self.rest.len());
        let (piece, rest) = std::mem::take(&mut self.rest).split_at_mut(len);
        self.rest = rest;
        piece
    }

    /// Copies `bytes`.
    pub fn copy(&mut self, bytes: &[u8]) -> &'a [u8] {
        let piece = self.take(bytes.len());
        piece.copy_from_slice(&bytes[..piece.len()]);
        piece
    }

    /// Writes a number in decimal.
    pub fn number(&mut self, number: u32) -> &'a [u8] {
        let mut digits = [0; 10];
        let mut first = digits.len();
        let mut left = number;
        loop {
            first -= 1;
            digits[first] = b'0' + (left % 10) as u8;
            left /= 10;
            if left == 0 {
                return self.copy(&digits[first..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal() {
        let mut block = [0; 64];
        let mut arena = Arena::new(&mut block);
        for number in [0, 7, 10, 443, 65535, u32::MAX] {
            assert_eq!(arena.number(number), number.to_string().as_bytes());
        }
    }

    #[test]
    fn pieces_are_disjoint_and_end_with_the_block() {
        let mut block = [0; 5];
        let mut arena = Arena::new(&mut block);
        let (first, second) = (arena.copy(b"ab"), arena.copy(b"cdef"));
        assert_eq!((first, second, arena.left()), (&b"ab"[..], &b"cde"[..], 0));
    }
}
