//! Which settings one interpreter has: of each, what the last layer says that is for it.
#![forbid(unsafe_code)]

use wsgi_core_abi::{Flag, InterpreterLayer};

/// One layer, copied out of the engine's borrowed form.
pub struct Layer {
    /// `None` is every interpreter.
    application_group: Option<Vec<u8>>,
    python_path: Vec<Vec<u8>>,
    switch_interval: Option<f64>,
    own_gil: Flag,
    restrict_stdin: Flag,
    restrict_stdout: Flag,
    restrict_signal: Flag,
}

impl Layer {
    /// Copies a layer.
    pub fn new(raw: &InterpreterLayer<'_>) -> Self {
        Self {
            application_group: raw.application_group.get().map(<[u8]>::to_vec),
            python_path: raw.python_path.to_vecs(),
            switch_interval: (raw.switch_interval > 0.0).then_some(raw.switch_interval),
            own_gil: raw.own_gil,
            restrict_stdin: raw.restrict_stdin,
            restrict_stdout: raw.restrict_stdout,
            restrict_signal: raw.restrict_signal,
        }
    }
}

/// The layers of one interpreter.
pub struct InterpreterSettings<'s> {
    /// Those that are for it, the least specific first.
    layers: Vec<&'s Layer>,
    is_main: bool,
    group_switch_interval: Option<f64>,
}

/// What is to be done about the switch interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SwitchInterval {
    /// It stays as it is.
    Unset,
    /// It becomes this many seconds.
    Seconds(f64),
    /// It is set for this interpreter, which can't have one of its own.
    Shared,
}

impl<'s> InterpreterSettings<'s> {
    /// For an application group; `group_switch_interval` is that of the process group.
    pub fn of(
        layers: &'s [Layer],
        application_group: &[u8],
        group_switch_interval: Option<f64>,
    ) -> Self {
        let is_for = |layer: &&Layer| {
            let group = layer.application_group.as_deref();
            group.is_none_or(|group| group == application_group)
        };
        Self {
            layers: layers.iter().filter(is_for).collect(),
            is_main: application_group.is_empty(),
            group_switch_interval,
        }
    }

    fn flag(&self, default: bool, get: impl Fn(&Layer) -> Flag) -> bool {
        let set = self.layers.iter().rev().find_map(|layer| get(layer).get());
        set.unwrap_or(default)
    }

    /// It is to have a GIL of its own.
    pub fn own_gil(&self) -> bool {
        !self.is_main && self.flag(false, |layer| layer.own_gil)
    }

    /// Any use of `sys.stdin` raises.
    pub fn restrict_stdin(&self) -> bool {
        self.flag(false, |layer| layer.restrict_stdin)
    }

    /// Any use of `sys.stdout` raises.
    pub fn restrict_stdout(&self) -> bool {
        self.flag(false, |layer| layer.restrict_stdout)
    }

    /// `signal.signal` is ignored.
    pub fn restrict_signal(&self) -> bool {
        self.flag(true, |layer| layer.restrict_signal)
    }

    /// The Python path, in parts that each go in front of those before.
    pub fn python_path(&self) -> impl Iterator<Item = &'s [Vec<u8>]> {
        let parts = self.layers.iter().map(|layer| layer.python_path.as_slice());
        parts.filter(|part| !part.is_empty())
    }

    /// The switch interval, for an interpreter that has a GIL of its own or not. One that shares the GIL of
    /// the main interpreter has that one's interval: it is set once, and does not undo what an application
    /// chose.
    pub fn switch_interval(&self, has_own_gil: bool) -> SwitchInterval {
        let mut set = self
            .layers
            .iter()
            .rev()
            .filter(|layer| layer.switch_interval.is_some());
        let layer = set.next();
        let is_named = layer.is_some_and(|layer| layer.application_group.is_some());
        let own = layer.and_then(|layer| layer.switch_interval);
        let group = self.group_switch_interval;
        let seconds = match (self.is_main, has_own_gil) {
            (true, _) => group.or(own),
            (false, true) if is_named => own,
            (false, true) => group.or(own),
            (false, false) if is_named => return SwitchInterval::Shared,
            (false, false) => None,
        };
        seconds.map_or(SwitchInterval::Unset, SwitchInterval::Seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wsgi_core_abi::Bytes;

    fn layer(group: Option<&'static str>, switch_interval: f64) -> Layer {
        Layer::new(&InterpreterLayer {
            application_group: group.map_or(Bytes::ABSENT, Bytes::from),
            switch_interval,
            ..InterpreterLayer::EMPTY
        })
    }

    #[test]
    fn the_last_layer_that_says_something_counts() {
        let flagged = |group: Option<&'static str>, own_gil, restrict_signal| {
            Layer::new(&InterpreterLayer {
                application_group: group.map_or(Bytes::ABSENT, Bytes::from),
                own_gil,
                restrict_signal,
                ..InterpreterLayer::EMPTY
            })
        };
        let layers = [
            flagged(None, Flag::ON, Flag::UNSET),
            flagged(Some("a"), Flag::OFF, Flag::UNSET),
            flagged(Some("b"), Flag::UNSET, Flag::OFF),
        ];
        let of = |group: &str| {
            let settings = InterpreterSettings::of(&layers, group.as_bytes(), None);
            (settings.own_gil(), settings.restrict_signal())
        };
        assert_eq!(of(""), (false, true));
        assert_eq!(of("a"), (false, true));
        assert_eq!(of("b"), (true, false));
        assert_eq!(of("c"), (true, true));
    }

    #[test]
    fn who_may_have_a_switch_interval() {
        use SwitchInterval::{Seconds, Shared, Unset};
        let layers = [
            layer(None, 1.0),
            layer(Some("named"), 2.0),
            layer(Some(""), 3.0),
        ];
        for (group, has_own_gil, of_process_group, expected) in [
            ("", false, None, Seconds(3.0)),
            ("", false, Some(4.0), Seconds(4.0)),
            ("other", false, None, Unset),
            ("other", false, Some(4.0), Unset),
            ("other", true, None, Seconds(1.0)),
            ("other", true, Some(4.0), Seconds(4.0)),
            ("named", false, None, Shared),
            ("named", true, None, Seconds(2.0)),
            ("named", true, Some(4.0), Seconds(2.0)),
        ] {
            let group = group.as_bytes();
            let settings = InterpreterSettings::of(&layers, group, of_process_group);
            assert_eq!(settings.switch_interval(has_own_gil), expected, "{group:?}");
        }
        let none = InterpreterSettings::of(&[], b"", None);
        assert_eq!(none.switch_interval(false), Unset);
    }
}
