//! [`LabelledImages`]: a file of images and the file of their labels, read together.

use std::io::Read;
use std::path::Path;

use fanin_tensor::show_shape;

use crate::error::{Error, Result};
use crate::idx::Reader;

/// Images and as many labels. The values of the labels are not checked yet.
pub(crate) struct LabelledImages {
    /// `(n, …)`, for `n` labels.
    pub(crate) shape: Vec<usize>,
    pub(crate) images: Vec<u8>,
    pub(crate) labels: Vec<u8>,
}

impl LabelledImages {
    /// Reads images and their labels from two IDX streams, gzip or plain. Messages call a stream by
    /// its file's name. The images take at most `limit` bytes, unpacked; if `each` is given, it is the
    /// shape of every image.
    ///
    /// The labels are read first. The header of the images is checked against them before any image
    /// is read, so a file that does not belong here takes no memory, whatever size its header claims.
    pub(crate) fn read(
        (images_name, images): (&Path, impl Read),
        (labels_name, labels): (&Path, impl Read),
        each: Option<&[usize]>,
        limit: u64,
    ) -> Result<Self> {
        // Images within the limit have at most this many labels.
        let size: usize = each.map_or(1, |shape| shape.iter().product());
        let limited = |limit| match each {
            Some(_) => Reader::new().at_most(limit),
            None => Reader::new().limit(limit),
        };
        let reader = limited(limit / size as u64).noun("labels");
        let (_, labels) =
            reader.read_bytes(labels_name, labels, (1..=1, "n u8 labels"), |_| Ok(()))?;

        let reader = limited(limit).noun("images");
        let expected = (2..=255, "u8 images n×…");
        let (shape, images) = reader.read_bytes(images_name, images, expected, |shape| {
            if shape[0] != labels.len() {
                let of = format!("{} and {}", images_name.display(), labels_name.display());
                return Err(Error::CountsDiffer { of, images: shape[0], labels: labels.len() });
            }
            let Some(each) = each else { return Ok(()) };
            let found = match &shape[1..] {
                _ if shape[0] == 0 => "no images".into(),
                one if one == each => return Ok(()),
                one => format!("images of {}", show_shape(one)),
            };
            let expected = format!("images of {}", show_shape(each));
            Err(Error::Unexpected { file: images_name.into(), found, expected })
        })?;
        Ok(Self { shape, images, labels })
    }

    /// How many images there are.
    pub(crate) fn len(&self) -> u64 {
        self.labels.len() as u64
    }
}
