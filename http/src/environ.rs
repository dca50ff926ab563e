//! The string entries of an environ.

use crate::{Arena, is_https, is_passed};
use wsgi_core_abi::{Bytes, Pair};

/// Collects the entries of one environ, in order: of equal keys the last one counts.
pub struct Environ<'a> {
    pairs: Vec<Pair<'a>>,
    arena: Arena<'a>,
    https: bool,
}

impl<'a> Environ<'a> {
    /// Makes an environ with room for `capacity` entries, whose new strings go into `arena`.
    #[must_use]
    pub fn new(arena: Arena<'a>, capacity: usize) -> Self {
        Self {
            pairs: Vec::with_capacity(capacity),
            arena,
            https: false,
        }
    }

    /// Where new strings go.
    pub fn arena(&mut self) -> &mut Arena<'a> {
        &mut self.arena
    }

    /// Sets an entry.
    pub fn set(&mut self, key: &'a [u8], value: &'a [u8]) {
        self.pairs.push(Pair::new(key, value));
    }

    /// Sets an entry unless the value is absent.
    pub fn set_present(&mut self, key: &'a [u8], value: Bytes<'a>) {
        if !value.is_absent() {
            self.set(key, value.as_slice());
        }
    }

    /// Sets an entry to a number in decimal.
    pub fn set_number(&mut self, key: &'a [u8], number: u32) {
        let digits = self.arena.number(number);
        self.set(key, digits);
    }

    /// The value of an entry, if it is there.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&'a [u8]> {
        let mut pairs = self.pairs.iter().rev();
        pairs
            .find(|pair| pair.name.as_slice() == key)
            .map(|pair| pair.value.as_slice())
    }

    /// Removes an entry.
    pub fn remove(&mut self, key: &[u8]) {
        self.pairs.retain(|pair| pair.name.as_slice() != key);
    }

    /// Adds the host's variables, but for those that an application never sees.
    pub fn variables(&mut self, variables: &[Pair<'a>]) {
        for variable in variables {
            let name = variable.name.as_slice();
            if is_passed(name) {
                self.pairs.push(*variable);
            } else if name == b"HTTPS" {
                self.https = is_https(variable.value.as_slice());
            }
        }
    }

    /// Adds a variable that the host means for what is made here, whatever its name; `HTTPS` is never an entry.
    pub fn host_variable(&mut self, variable: &Pair<'a>) {
        if variable.name.as_slice() == b"HTTPS" {
            self.https = is_https(variable.value.as_slice());
        } else {
            self.pairs.push(*variable);
        }
    }

    /// Sets whether `wsgi.url_scheme` is `https`, whatever the host's variables say.
    pub fn set_https(&mut self, https: bool) {
        self.https = https;
    }

    /// Whether `wsgi.url_scheme` is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// The entries.
    #[must_use]
    pub fn pairs(&self) -> &[Pair<'a>] {
        &self.pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filtered_and_the_last_https_counts() {
        let variables = [
            Pair::new(b"A", b"1"),
            Pair::new(b"HTTPS", b"off"),
            Pair::new(b"PATH", b"/bin"),
            Pair {
                name: Bytes::new(b"NONE"),
                value: Bytes::ABSENT,
            },
            Pair::new(b"HTTPS", b"on"),
        ];
        let mut environ = Environ::new(Arena::new(&mut []), 4);
        environ.variables(&variables);
        environ.set_present(b"B", Bytes::ABSENT);
        let names: Vec<_> = environ
            .pairs()
            .iter()
            .map(|pair| pair.name.as_slice())
            .collect();
        assert_eq!(names, [&b"A"[..], b"NONE"]);
        assert!(environ.pairs()[1].value.is_absent());
        assert!(environ.is_https());
    }

    #[test]
    fn the_last_of_equal_keys_counts_and_all_of_them_go() {
        let mut environ = Environ::new(Arena::new(&mut []), 4);
        for (key, value) in [(b"A", b"1"), (b"B", b"2"), (b"A", b"3")] {
            environ.set(key, value);
        }
        assert_eq!(
            (environ.get(b"A"), environ.get(b"C")),
            (Some(&b"3"[..]), None)
        );
        environ.remove(b"A");
        assert_eq!((environ.get(b"A"), environ.pairs().len()), (None, 1));
    }

    #[test]
    fn numbers_are_text() {
        let mut block = [0; 8];
        let mut environ = Environ::new(Arena::new(&mut block), 1);
        environ.set_number(b"SERVER_PORT", 8080);
        assert_eq!(environ.pairs()[0].value.as_slice(), b"8080");
    }
}
