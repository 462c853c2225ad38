//! What a probe finds, as rows of tables; nothing is averaged.

use crate::{
    explain::HeatMap,
    nn::tensor::Tensor,
    table::{record, record::Word},
};
use std::{fmt, str::FromStr};

/// What the network is shown of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// All of it (E1).
    Original,
    /// All but the object (E2).
    Removed,
    /// The object alone (E3).
    Only,
    /// All but as many pixels beside the object.
    RemovedElsewhere,
    /// These alone.
    OnlyElsewhere,
    /// What somebody made of it.
    Edited,
}

impl Variant {
    /// All of them.
    pub const ALL: [Variant; 6] = [
        Variant::Original,
        Variant::Removed,
        Variant::Only,
        Variant::RemovedElsewhere,
        Variant::OnlyElsewhere,
        Variant::Edited,
    ];

    /// Those with a filling.
    pub const FILLED: [Variant; 4] =
        [Variant::Removed, Variant::Only, Variant::RemovedElsewhere, Variant::OnlyElsewhere];

    /// Name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Variant::Original => "original",
            Variant::Removed => "removed",
            Variant::Only => "only",
            Variant::RemovedElsewhere => "removed-elsewhere",
            Variant::OnlyElsewhere => "only-elsewhere",
            Variant::Edited => "edited",
        }
    }

    /// What people read.
    pub const fn words(self) -> &'static str {
        match self {
            Variant::Original => "the picture",
            Variant::Removed => "object removed",
            Variant::Only => "only the object",
            Variant::RemovedElsewhere => "same area elsewhere removed",
            Variant::OnlyElsewhere => "only the same area elsewhere",
            Variant::Edited => "edited by hand",
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Variant {
    type Err = String;

    fn from_str(text: &str) -> Result<Variant, String> {
        let known = Variant::ALL.into_iter().find(|variant| variant.name() == text);
        known.ok_or_else(|| format!("unknown variant `{text}`"))
    }
}

record! {
    /// What the network says of a picture of which something was taken away.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Trial {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// class index; null where unknown
        pub label: Option<u64>,
        /// the tested class: its object is taken away
        pub target: u64,
        /// original, removed, only, removed-elsewhere, only-elsewhere or edited
        pub variant: Variant as Word,
        /// what takes the place of pixels; null where nothing is filled
        pub filling: Option<String>,
        /// share of the picture's pixels that are filled
        pub area: Option<f64>,
        /// class that the network says
        pub predicted: Option<u64>,
        /// probability of that class; null where there are none
        pub probability: Option<f64>,
        /// probability of the tested class
        pub target_probability: Option<f64>,
        /// score of the tested class
        pub score: Option<f64>,
        /// 1 where the network says the tested class
        pub says_target: Option<bool>,
        /// why there are no values
        pub reason: Option<String>,
    }
}

record! {
    /// Where the positive relevance of a picture lies.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Share {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// canonical name, with all parameters
        pub method: String,
        /// class whose score is explained
        pub target: u64,
        /// annotated class whose objects are looked at
        pub class: u64,
        /// share of the picture's pixels that are objects of this class
        pub area: Option<f64>,
        /// share of the positive relevance that is on them
        pub relevance: Option<f64>,
        /// 1 where the method failed
        pub failed: bool,
        /// why there is no share
        pub reason: Option<String>,
    }
}

record! {
    /// Two classes that occur in one picture.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Together {
        /// a class
        pub class: u64,
        /// another class
        pub other: u64,
        /// pictures of the data set that show the class
        pub pictures: u64,
        /// those of them that show the other class, too
        pub both: u64,
        /// both / pictures
        pub share: f64,
    }
}

record! {
    /// What people are shown of a picture.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Frame {
        /// path relative to the data root, /-separated, or a generated name
        pub image: String,
        /// the variant, or `map`
        pub kind: String,
        /// filling of a variant, or method of a map
        pub name: Option<String>,
        /// what the network says
        pub caption: String,
        /// rows
        pub height: u64,
        /// columns
        pub width: u64,
        /// row by row: red * 65536 + green * 256 + blue from 0 to 255 of pictures; relevance over its largest magnitude, in steps of 1/127, of maps
        pub values: Option<Vec<f32>>,
    }
}

impl Frame {
    /// Of a picture as people see it, values in [0, 1].
    pub fn of_picture(
        image: &str,
        kind: &str,
        name: Option<&str>,
        caption: String,
        seen: &Tensor,
    ) -> Frame {
        let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round();
        let packed = |pixel: &[f32]| match pixel {
            [r, g, b] => byte(*r) * 65_536.0 + byte(*g) * 256.0 + byte(*b),
            [grey, ..] => byte(*grey) * 65_793.0,
            [] => 0.0,
        };
        Frame {
            image: image.to_owned(),
            kind: kind.to_owned(),
            name: name.map(str::to_owned),
            caption,
            height: seen.shape.h as u64,
            width: seen.shape.w as u64,
            values: Some(seen.data.chunks_exact(seen.shape.c).map(packed).collect()),
        }
    }

    /// Of a heat map.
    pub fn of_map(image: &str, name: String, caption: String, heat: &HeatMap) -> Frame {
        let largest = heat.iter().fold(0.0f64, |most, v| most.max(v.abs()));
        let unit = if largest > 0.0 { largest } else { 1.0 };
        let step = |v: &f64| ((v / unit * 127.0).round() / 127.0) as f32;
        Frame {
            image: image.to_owned(),
            kind: "map".to_owned(),
            name: Some(name),
            caption,
            height: heat.nrows() as u64,
            width: heat.ncols() as u64,
            values: Some(heat.iter().map(step).collect()),
        }
    }
}
