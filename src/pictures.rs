//! Pictures as the library takes them.

use crate::{
    Error,
    base::geom::Shape,
    data::{Dataset, Item, memory},
    nn::{model::Model, tensor::Tensor},
    run::{config::Config, plan},
};

/// A picture made ready for a network.
#[derive(Clone, Debug)]
pub struct Picture {
    pub(super) id: String,
    /// As it is, in [0, 1]; none for a tensor that was an input of the network already.
    pub(super) image: Option<Tensor>,
    pub(super) input: Tensor,
    pub(super) label: Option<usize>,
}

impl Picture {
    /// Its name in messages, and for methods that draw.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// An error where it is no input of this shape.
    pub(super) fn check(&self, needed: Shape) -> Result<(), Error> {
        let (id, found) = (&self.id, self.input.shape);
        match self.input.data.iter().find(|v| !v.is_finite()) {
            _ if found != needed => {
                Err(Error::Unfit(format!("`{id}`: expected an input of {needed}, found {found}")))
            }
            Some(bad) => Err(Error::Unfit(format!("`{id}`: expected finite values, found {bad}"))),
            None => Ok(()),
        }
    }

    /// With a class that it is known to show.
    #[must_use]
    pub fn labelled(self, class: usize) -> Picture {
        Picture { label: Some(class), ..self }
    }
}

/// Pictures to compete on: a path (`"scenes"` has the built-in ones), or some in memory.
#[derive(Clone, Debug)]
pub enum Pictures {
    /// A folder or a file with pictures, see `pixelflip list datasets`.
    At(String),
    /// Pictures that were made ready for a model.
    These(Vec<Picture>),
}

impl From<&str> for Pictures {
    fn from(path: &str) -> Pictures {
        Pictures::At(path.to_owned())
    }
}

impl From<Vec<Picture>> for Pictures {
    fn from(pictures: Vec<Picture>) -> Pictures {
        Pictures::These(pictures)
    }
}

impl Pictures {
    /// As a data set whose classes are those of a model.
    pub(super) fn open(self, config: &Config, model: &Model) -> Result<Box<dyn Dataset>, Error> {
        let pictures = match self {
            Pictures::These(pictures) => pictures,
            Pictures::At(path) => {
                let (layout, pixels) = (config.layout.as_ref(), config.max_pixels);
                let turned = config.orientation;
                return Ok(plan::open_data(&path, layout, pixels, turned, model)?);
            }
        };
        let item = |Picture { id, image, label, .. }: Picture| match image {
            Some(image) => Ok(Item { id, image, label, boxes: vec![], mask: None }),
            None => Err(Error::Unfit(format!("`{id}` is no picture but an input of the network"))),
        };
        let items = pictures.into_iter().map(item).collect::<Result<_, Error>>()?;
        Ok(Box::new(memory::Pictures::new(items)?))
    }
}
