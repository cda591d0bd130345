//! The keys that everything else is trusted by.

use super::key::PublicKey;

/// Names and moduli of the root keys of Device Update. Source: `root_key_list.c` of Microsoft's agent.
const PRODUCTION: [(&str, &str); 2] = [
    (
        "ADU.200702.R",
        concat!(
            "ANVCLq8RVKNQZYeiTVu6GvupMt_pmV8FRcivvTUdiegnJ1ijqO7FxR5P95KmEgZ9PX2wB_Ysf95tKvW8SbwV7_CByz",
            "-ITycdiHEoYAi2GdLSOdAFHzx2hnG7WVi8sYh7q1YovzFzRDIQ_T3Tllz_Tlyza_-LhJuLgLhJ0H361kBYdk3Acid1",
            "y5ovm7SfDyXxHMUbC1owfS-476cmWFOv1R1VAVEN6RuiDz_X6R0gQabmFAqu_vIcKtbkBHv2FH7sD5eD-lj6gTYhua",
            "Mr-tlhCxqU98G-f0AUSsn6NX_vZnAAsf3b12ENO1h0Z5SJdXaWfJGH0o4Rl-57h2yaL0XYZT9ScJgqy8gEY_XJR89w",
            "9O1kp3SlI4-27fcc07AcZFcSWqmBhB-g51AZlrSCsaxI4-EygstAH6zEWbwQNFGC-SiNqB6b9XlFdbLcmhFDCL5hzJ",
            "rEy3c2_4PdqHFPUY4Oe036eZiNvvyCfkBIqRIBqNl-86Ub8fuQdz5AhxjJq9n3eQ",
        ),
    ),
    (
        "ADU.200703.R",
        concat!(
            "ALKjsnQW-rsg-VJ25ic-gEHG_s8w-ciW9VkKqoHnUYOKxPUXOi8q5lfUcc6KPe-aVXY-meLCrkzuLbh49aJOKPKcTj",
            "llvOzkDeXjOKhZqwikG7T0oFKjOLNGIRPMPGgG3v4AppJu3kxHENYcnCT1zXDh9Wp8aBMd4cX2qE8hn4Z8RMWKmRzF",
            "0wabWnGdCRzDZDFqxReVHV0q8VXHZtTo9dmpW4yibGJgBTfXMrBzy_dLNickIYw4CrgY_vUVYDWLNe8eD4imE417fe",
            "-z57DJphxwe8zyKYuH972dtohvrHP_cvLvSCeWcoYGolzjfc6wnuXC2U7E8394B0tliEUMEeWWVjSILRYOWULS99nt",
            "He3JN3dEfuOENp9YE-9v5MNE1HcGis9byIAcophlCzXcc8hp0F7oJUOe9tirBa9RKSNVQFgQ6rjizV15zOzftFuYx_",
            "rj0mwmzi4sVuDPje79kxIvAEmNHII4VqZdeURKGvPcFhCzwS0nEf4bmAXko2AxmQ",
        ),
    ),
];

/// A set of root keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    keys: Vec<(String, PublicKey)>,
    test: bool,
}

impl Roots {
    /// Microsoft's, which sign what the service sends.
    pub fn production() -> Self {
        let keys = PRODUCTION
            .iter()
            .filter_map(|(name, modulus)| Some(((*name).to_owned(), PublicKey::new(modulus)?)))
            .collect();
        Self { keys, test: false }
    }

    /// Others, for a service that tests play. A build for release has no such thing.
    #[cfg(any(test, debug_assertions))]
    pub fn for_tests(keys: impl IntoIterator<Item = (String, PublicKey)>) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            test: true,
        }
    }

    /// The same keys, as if they were not a test's.
    #[cfg(test)]
    pub(crate) fn into_production(mut self) -> Self {
        self.test = false;
        self
    }

    /// Names and keys.
    pub(crate) fn keys(&self) -> &[(String, PublicKey)] {
        &self.keys
    }

    /// The key of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&PublicKey> {
        let (_, key) = self.keys.iter().find(|(known, _)| known == name)?;
        Some(key)
    }

    /// Whether packages that are marked as a test's are taken.
    pub(crate) fn are_for_tests(&self) -> bool {
        self.test
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_keys_are_whole() {
        let roots = Roots::production();
        assert_eq!(roots.keys().len(), PRODUCTION.len());
        assert!(!roots.are_for_tests());
        assert!(roots.get("ADU.200702.R").is_some());
        assert_eq!(
            roots.get("ADU.200702.R.T"),
            None,
            "the agent's test key is none of ours"
        );
    }
}
