//! One colour: the mean.

use super::{Fill, Origin, Perturbation, Site, colour};
use crate::{
    base::registry::{Entry, Kind, Param},
    nn::tensor::Tensor,
};

/// Every removed pixel becomes the mean colour: each channel its mean over the pixels of the
/// picture, or over those of the data set.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `of` | `picture` | `picture`, `data` |
#[derive(Debug)]
struct ChannelMean {
    of_data: bool,
}

pub(super) const ENTRY: Entry<dyn Perturbation> = Entry {
    id: "channel-mean",
    summary: "the mean of each channel",
    cite: "hooker2019benchmark",
    params: &[Param {
        key: "of",
        default: "picture",
        kind: Kind::Word(Origin::WORDS),
        help: "whose mean: of the picture itself, or of the data set",
    }],
    build: |args| Ok(Box::new(ChannelMean { of_data: args.word::<Origin>("of") == Origin::Data })),
};

impl Perturbation for ChannelMean {
    fn fill<'a>(&self, site: &Site<'a>) -> Fill<'a> {
        let of: &Tensor = if self.of_data { &site.data.statistics().mean } else { site.picture };
        Fill::Local(site.plain(&colour(of)))
    }

    fn asks_data(&self) -> bool {
        self.of_data
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        base::geom::Shape,
        colour,
        nn::tensor::Tensor,
        testing::{SET, local, ramp},
    };

    #[test]
    fn the_mean_is_taken_channel_by_channel() {
        let picture = Tensor::new(Shape::new(2, 1, 2), vec![0.0, 0.5, 1.0, 0.75]);
        assert_eq!(local("channel-mean", &picture, 0).data, [0.5, 0.625, 0.5, 0.625]);
    }

    #[test]
    fn the_mean_of_the_set_does_not_depend_on_the_picture() {
        let fill = local("channel-mean:of=data", &ramp(), 0);
        assert!(fill.data.chunks(3).all(|pixel| pixel == colour(&SET.mean)));
    }
}
