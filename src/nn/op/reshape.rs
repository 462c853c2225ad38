//! Flatten, reshape and transpose.

use super::{OneChannel, Op, Role};
use crate::{
    base::geom::{Axis, Rect, Shape},
    nn::tensor::Tensor,
};

/// The same values under another shape, one after the other: read along the axes of the input in one
/// order and written along those of the output in another.
#[derive(Debug)]
pub struct Reshape {
    from: [Axis; 3],
    to: Shape,
    into: [Axis; 3],
}

/// Distance between neighbours along channels, rows and columns.
type Strides = fn(Shape, Axis) -> usize;

/// As values lie in a [`Tensor`].
fn channels_last(shape: Shape, axis: Axis) -> usize {
    match axis {
        Axis::Channel => 1,
        Axis::Row => shape.w * shape.c,
        Axis::Column => shape.c,
    }
}

/// In the order channel, row, column.
fn channels_first(shape: Shape, axis: Axis) -> usize {
    match axis {
        Axis::Channel => shape.h * shape.w,
        Axis::Row => shape.w,
        Axis::Column => 1,
    }
}

/// Positions of all values of a map, the first axis of `order` being the slowest.
fn walk(shape: Shape, order: [Axis; 3], strides: Strides) -> impl Iterator<Item = usize> {
    let [a, b, c] = order.map(|axis| (shape.along(axis), strides(shape, axis)));
    let inner = move |at: usize| (0..c.0).map(move |k| at + k * c.1);
    let middle = move |at: usize| (0..b.0).flat_map(move |j| inner(at + j * b.1));
    (0..a.0).flat_map(move |i| middle(i * a.1))
}

impl Reshape {
    /// To a map or, flattened, to [`Shape::vector`], values in ONNX order (channel, row, column).
    pub fn new(to: Shape) -> Reshape {
        Reshape::ordered(Axis::ALL, to, Axis::ALL)
    }

    /// Values are read along `from` and written along `into`, the slowest axis first; both name each
    /// axis once. Flattening a map in the order of channels-last tensors is from row, column,
    /// channel; a transposition has the same shape or a permuted one.
    pub fn ordered(from: [Axis; 3], to: Shape, into: [Axis; 3]) -> Reshape {
        for order in [from, into] {
            assert!(Axis::ALL.iter().all(|a| order.contains(a)), "an order names each axis once");
        }
        Reshape { from, to, into }
    }

    /// The orders in which values are read and written.
    pub fn orders(&self) -> ([Axis; 3], [Axis; 3]) {
        (self.from, self.into)
    }

    /// For each value of the input, in channels-last order, its place in the output, also in
    /// channels-last order.
    pub fn destinations(&self, input: Shape) -> Vec<usize> {
        let mut all = vec![0; input.len()];
        self.pairs(input, channels_last, |from, into| all[from] = into);
        all
    }

    /// One number per value of the input, in the order channel, row, column, as they belong to the
    /// values of the output.
    pub fn carry<T: Copy + Default>(&self, input: Shape, numbers: &[T]) -> Vec<T> {
        let mut carried = vec![T::default(); numbers.len()];
        self.pairs(input, channels_first, |from, into| carried[into] = numbers[from]);
        carried
    }

    /// Calls `f(position in the input, position in the output)` for each value.
    fn pairs(&self, input: Shape, strides: Strides, mut f: impl FnMut(usize, usize)) {
        let read = walk(input, self.from, strides);
        read.zip(walk(self.to, self.into, strides)).for_each(|(from, into)| f(from, into));
    }

    /// True where every value stays at its place.
    fn is_identity(&self, input: Shape) -> bool {
        let long = |order: [Axis; 3]| order.into_iter().filter(move |a| input.along(*a) > 1);
        input == self.to && long(self.from).eq(long(self.into))
    }
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        if self.to == Shape::vector(self.to.len()) { "Flatten" } else { "Reshape" }
    }

    fn out_shape(&self, ins: &[Shape]) -> Result<Shape, String> {
        let input = super::one_input(ins)?;
        if input.len() == self.to.len() {
            return Ok(self.to);
        }
        Err(format!("{input} has {} values, {} has {}", input.len(), self.to, self.to.len()))
    }

    fn reach(&self, ins: &[Shape], _k: usize, dirty: Rect) -> Rect {
        let whole = if dirty.is_empty() { Rect::EMPTY } else { self.to.rect() };
        if self.is_identity(ins[0]) { dirty } else { whole }
    }

    fn for_channel(&self, ins: &[Shape], _c: usize) -> Option<OneChannel> {
        let pixel = ins[0] == self.to && ins[0].h == 1 && ins[0].w == 1;
        pixel.then(|| OneChannel::FromOneBy(Box::new(Reshape::new(Shape::vector(1)))))
    }

    fn eval(&self, ins: &[&Tensor], rect: Rect, out: &mut [f32]) {
        if rect == self.to.rect() {
            let x = ins[0];
            return self.pairs(x.shape, channels_last, |from, into| out[into] = x.data[from]);
        }
        self.forward(ins).read(rect, out);
    }

    fn forward(&self, ins: &[&Tensor]) -> Tensor {
        let mut out = Tensor::zeros(self.to);
        self.eval(ins, self.to.rect(), &mut out.data);
        out
    }

    fn vjp(&self, ins: &[&Tensor], _out: &Tensor, grad: &Tensor, _k: usize) -> Tensor {
        let mut back = Tensor::zeros(ins[0].shape);
        self.pairs(ins[0].shape, channels_last, |into, from| back.data[into] = grad.data[from]);
        back
    }

    fn role(&self) -> Role<'_> {
        Role::Route
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flattening_puts_channels_first_and_back() {
        let x = Tensor::new(Shape::new(2, 1, 3), vec![1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
        let flat = Reshape::new(Shape::vector(6));
        let y = flat.forward(&[&x]);
        assert_eq!(y.data, [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
        assert_eq!(flat.vjp(&[&x], &y, &y, 0), x);
        let other = Reshape::new(Shape::new(3, 2, 1)).forward(&[&x]);
        assert_eq!(other.to_chw().iter().copied().collect::<Vec<_>>(), y.data);
        assert!(flat.out_shape(&[Shape::vector(5)]).is_err());
    }

    #[test]
    fn a_map_can_be_read_and_written_along_any_order_of_axes() {
        use Axis::{Channel, Column, Row};
        // channels-last memory of a (2, 1, 3) map is its flattening along row, column, channel
        let x = Tensor::new(Shape::new(2, 1, 3), vec![1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
        let flat = Reshape::ordered([Row, Column, Channel], Shape::vector(6), Axis::ALL);
        let y = flat.forward(&[&x]);
        assert_eq!(y.data, x.data);
        assert_eq!(flat.destinations(x.shape), [0, 1, 2, 3, 4, 5]);
        assert_eq!(flat.carry(x.shape, &[1, 2, 3, 10, 20, 30]), [1, 10, 2, 20, 3, 30]);
        assert_eq!(flat.vjp(&[&x], &y, &y, 0), x);
        let turned = Reshape::ordered(Axis::ALL, Shape::new(2, 3, 1), [Channel, Column, Row]);
        assert_eq!(
            turned.forward(&[&x]).to_chw().into_iter().collect::<Vec<_>>(),
            [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]
        );
        let square = Shape::new(1, 2, 2);
        let turned = Reshape::ordered(Axis::ALL, square, [Channel, Column, Row]);
        let x = Tensor::new(square, vec![1.0, 2.0, 3.0, 4.0]);
        assert_eq!(turned.forward(&[&x]).data, [1.0, 3.0, 2.0, 4.0]);
        let corner = Rect { y0: 0, y1: 1, x0: 0, x1: 1 };
        assert_eq!(turned.reach(&[square], 0, corner), square.rect());
        assert_eq!(Reshape::new(square).reach(&[square], 0, corner), corner);
    }
}
