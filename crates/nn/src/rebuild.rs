//! [`Sequential::load`]: a network from a file alone.

use std::io::{Read, Seek};
use std::path::Path;

use fanin_init::with_default_rng;

use crate::io::checkpoint::{self, ARCHITECTURE};
use crate::io::{Checkpoint, Error, IN_MEMORY, Result};
use crate::layers::{NetworkSpec, Sequential};

impl Sequential {
    /// Builds the network that a file holds, and loads it. The program that calls it needs nothing of the
    /// one that saved it.
    ///
    /// [`save`](Checkpoint::save) writes the architecture of a `Sequential` whose layers are all of this
    /// crate; [`NetworkSpec::of`] says which layer has no description. Into a model that is built already,
    /// [`Checkpoint::load`] loads any file.
    ///
    /// # Errors
    /// Those of [`Checkpoint::load`]; [`Error::Architecture`] if the file has none, or one that cannot be
    /// built. No more memory is allocated than the file's parameters take.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::Relu;
    /// use fanin_nn::{Checkpoint, Linear, Module, Sequential, Tensor};
    ///
    /// # fn main() -> fanin_nn::Result<()> {
    /// let path = std::env::temp_dir().join(format!("rebuilt-{}.fanin", std::process::id()));
    /// let trained = Sequential::new().add(Linear::new(4, 8)).add(Relu).add(Linear::new(8, 3));
    /// trained.save(&path)?;
    ///
    /// let model = Sequential::load(&path)?;
    /// let x = Tensor::ones([1, 4]);
    /// assert_eq!(model.predict(&x), trained.predict(&x));
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok(())
    /// # }
    /// ```
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (len, mut file) = checkpoint::open(path)?;
        let mut model = build(&mut file, len, path)?;
        file.rewind().map_err(|source| Error::Read { file: path.to_owned(), source })?;
        checkpoint::read(&mut model, &mut file, len, path)?;
        Ok(model)
    }

    /// [`load`](Self::load) from memory: a program can carry its model in itself.
    ///
    /// # Errors
    /// As [`load`](Self::load), with `the model in memory` for the file's name.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Checkpoint, Linear, Module, Sequential, Tensor};
    ///
    /// # fn main() -> fanin_nn::Result<()> {
    /// # let bytes = Sequential::new().add(Linear::new(4, 3)).to_bytes()?;
    /// // const BYTES: &[u8] = include_bytes!("iris.fanin");
    /// let model = Sequential::from_bytes(&bytes)?;
    /// assert_eq!(model.predict(&Tensor::ones([1, 4])).shape(), [1, 3]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut model = build(&mut &*bytes, bytes.len() as u64, Path::new(IN_MEMORY))?;
        model.load_bytes(bytes)?;
        Ok(model)
    }
}

/// The network that a file describes, with other weights.
fn build(source: &mut dyn Read, len: u64, path: &Path) -> Result<Sequential> {
    /// What layers without parameters of their own may take beside.
    const SLACK: u64 = 1 << 16;
    let sections = checkpoint::sections::<f32>(source, len, path)?;
    let refused = |why: String| Error::Architecture { file: path.to_owned(), why };
    let Some(text) = sections.get::<String>(ARCHITECTURE)? else {
        return Err(refused("the file has none".into()));
    };
    let spec: NetworkSpec =
        serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
    // A spectral norm has two vectors more than the file has.
    let limit = len.saturating_mul(2).saturating_add(SLACK);
    // The generator of the program stays as it is.
    let before = with_default_rng(|rng| rng.clone());
    let model = Sequential::from_spec_with_limit(&spec.undrawn(), limit);
    with_default_rng(|rng| *rng = before);
    model.map_err(|error| refused(error.to_string()))
}
