//! Pictures of a data set as canvases.

use crate::{
    base::geom::Shape,
    data::Dataset,
    nn::{
        preprocess::{Channels, Preprocess, PreprocessError, Resize, Settings},
        tensor::Tensor,
    },
    prototype::prior::{Examples, PriorError},
};
use rayon::prelude::*;

/// The pictures of a set, brought to the size and colours of a canvas.
pub(super) struct Pictures<'a> {
    pub(super) data: Option<&'a dyn Dataset>,
    pub(super) way: &'a Preprocess,
    /// Of a class, at most.
    pub(super) most: usize,
}

/// How pictures become canvases of a shape, as the network's own preprocessing brings them to size; those that a
/// generator paints in another size are enlarged or reduced to that.
pub(super) fn way(preprocess: &Preprocess, canvas: Shape) -> Result<Preprocess, PreprocessError> {
    let own = canvas == preprocess.canvas();
    let settings = Settings {
        input: None,
        pad: None,
        channels: Some(if canvas.c == 1 { Channels::Grey } else { Channels::Rgb }),
        scale: Some(1.0 / 255.0),
        mean: Some(vec![0.0; canvas.c]),
        std: Some(vec![1.0; canvas.c]),
        ..preprocess.settings()
    };
    let settings = if own {
        settings
    } else {
        Settings { resize: Some(Resize::Exact), crop: None, ..settings }
    };
    settings.resolve(canvas)
}

impl Pictures<'_> {
    /// A picture as a canvas. The flag of the error tells that it could not be read just now.
    pub(super) fn canvas(&self, data: &dyn Dataset, i: usize) -> Result<Tensor, PriorError> {
        let item = data.item(i);
        let item = item.map_err(|e| PriorError::Picture {
            reason: e.to_string(),
            momentary: e.is_momentary(),
        })?;
        self.way.picture(&item.image).map_err(|e| PriorError::Picture {
            reason: format!("`{}`: {e}", item.id),
            momentary: false,
        })
    }
}

impl Examples for Pictures<'_> {
    fn of_class(&self, class: Option<usize>) -> Result<Vec<Tensor>, PriorError> {
        let data = self.data.ok_or(PriorError::NoData { prior: "this prior" })?;
        let fits = |i: &usize| class.is_none_or(|class| data.labels(*i).contains(&class));
        let all: Vec<usize> = (0..data.len()).filter(fits).collect();
        let count = all.len().min(self.most);
        let some: Vec<usize> = (0..count).map(|k| all[k * all.len() / count]).collect();
        let read = some.into_par_iter().map(|i| self.canvas(data, i));
        let mut pictures = vec![];
        let mut first = None;
        for canvas in read.collect::<Vec<_>>() {
            match canvas {
                Ok(canvas) => pictures.push(canvas),
                Err(error @ PriorError::Picture { momentary: true, .. }) => return Err(error),
                Err(error) => _ = first.get_or_insert(error),
            }
        }
        match (pictures.is_empty(), first, class) {
            (false, ..) => Ok(pictures),
            (true, Some(error), _) => Err(error),
            (true, None, class) => Err(PriorError::NoPicture {
                data: data.name().to_owned(),
                class: class.unwrap_or_default(),
            }),
        }
    }
}
