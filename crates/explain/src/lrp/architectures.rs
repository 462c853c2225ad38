//! Every pattern of network that LRP is meant for, small and with random weights: without biases
//! each layer hands on what it received, or the rule has nowhere to send it.

use super::trace::Trace;
use crate::{
    Case, EXPLAINERS,
    base::{
        geom::Shape,
        registry::build,
        rng::{Seed, unit_f32},
    },
    nn::{
        graph::{Activations, Graph, NodeId},
        op::{
            Add, Affine, AvgPool, Concat, Conv, ConvGeometry, Cpu, Dense, Function, Linear, Lrn,
            MaxPool, Part, Role, Unary, Window,
        },
        tensor::Tensor,
    },
};

const INPUT: Shape = Shape::new(3, 12, 12);

/// A network under construction. Weights are drawn in the order of the layers, with variances that
/// keep activations near 1.
struct Net {
    graph: Graph,
    at: NodeId,
    seed: u64,
}

impl Net {
    fn new(seed: u64) -> Net {
        let graph = Graph::new(INPUT);
        Net { at: graph.input(), graph, seed }
    }

    fn values(&mut self, n: usize, size: f32) -> Vec<f32> {
        self.seed += 1;
        let mut rng = Seed(self.seed).rng("weights", "", &[]);
        (0..n).map(|_| (unit_f32(&mut rng) * 2.0 - 1.0) * size).collect()
    }

    fn shape(&self) -> Shape {
        self.graph.node(self.at).shape
    }

    fn push(mut self, op: impl Cpu, inputs: &[NodeId]) -> Net {
        let name = format!("{} {}", self.graph.len(), op.name());
        self.at = self.graph.push(&name, Box::new(op), inputs).unwrap();
        self
    }

    fn then(self, op: impl Cpu) -> Net {
        let at = self.at;
        self.push(op, &[at])
    }

    /// Continues at an earlier node.
    fn from(mut self, at: NodeId) -> Net {
        self.at = at;
        self
    }

    fn conv(mut self, outputs: usize, k: usize, stride: usize, groups: usize) -> Net {
        let inputs = self.shape().c;
        let geometry = ConvGeometry {
            kernel: [k; 2],
            stride: [stride; 2],
            dilation: [1; 2],
            pads: [k / 2; 4],
            groups,
        };
        let fan = inputs / groups * k * k;
        let weight = self.values(outputs * fan, (6.0 / fan as f32).sqrt());
        self.then(Conv::new(weight, outputs, inputs, geometry, vec![]).unwrap())
    }

    fn dense(mut self, outputs: usize) -> Net {
        let input = self.shape();
        let weight = self.values(outputs * input.len(), (6.0 / input.len() as f32).sqrt());
        self.then(Dense::new(weight, outputs, input, vec![]).unwrap())
    }

    fn act(self, function: Function) -> Net {
        self.then(Unary::new(function))
    }

    fn relu(self) -> Net {
        self.act(Function::Relu)
    }

    fn relu6(self) -> Net {
        self.act(Function::Clip { min: 0.0, max: 6.0 })
    }

    /// A batch normalisation without shift, which stays where no layer can take it.
    fn norm(mut self) -> Net {
        let n = self.shape().c;
        let scale: Vec<f32> = self.values(n, 0.5).iter().map(|v| v + 1.0).collect();
        self.then(Affine::new("BatchNormalization", scale, vec![0.0; n]))
    }

    fn max(self) -> Net {
        self.then(MaxPool::new(window()))
    }

    fn average(self) -> Net {
        self.then(AvgPool::global("GlobalAveragePool"))
    }

    /// A residual block: two convolutions beside a shortcut, which is a convolution where sizes
    /// change.
    fn block(self, outputs: usize, stride: usize) -> Net {
        let (before, inputs) = (self.at, self.shape().c);
        let net = self.conv(outputs, 3, stride, 1).relu().conv(outputs, 3, 1, 1);
        let body = net.at;
        let same = stride == 1 && inputs == outputs;
        let net = if same { net } else { net.from(before).conv(outputs, 1, stride, 1) };
        let shortcut = if same { before } else { net.at };
        net.push(Add::new(vec![1.0, 1.0]), &[body, shortcut]).relu()
    }

    /// Two convolutions side by side, as in `SqueezeNet` and `GoogLeNet`.
    fn fire(self, outputs: usize) -> Net {
        let net = self.conv(outputs / 2, 1, 1, 1).relu();
        let squeezed = net.at;
        let net = net.conv(outputs, 1, 1, 1).relu();
        let one = net.at;
        let net = net.from(squeezed).conv(outputs, 3, 1, 1).relu();
        let three = net.at;
        net.push(Concat::new(), &[one, three])
    }

    /// A depthwise and a pointwise convolution.
    fn separable(self, outputs: usize, stride: usize) -> Net {
        let inputs = self.shape().c;
        self.conv(inputs, 3, stride, inputs).relu6().conv(outputs, 1, 1, 1).relu6()
    }

    /// `MobileNet` v2: widened, depthwise, narrowed without activation, and a shortcut.
    fn inverted(self) -> Net {
        let (before, n) = (self.at, self.shape().c);
        let wide = 3 * n;
        let net = self.conv(wide, 1, 1, 1).relu6().conv(wide, 3, 1, wide).relu6().conv(n, 1, 1, 1);
        let narrow = net.at;
        net.push(Add::new(vec![1.0, 1.0]), &[narrow, before])
    }

    /// `DenseNet`: normalisation and activation first, the result beside what went in.
    fn grown(self, by: usize) -> Net {
        let before = self.at;
        let net = self.norm().relu().conv(by, 3, 1, 1);
        let new = net.at;
        net.push(Concat::new(), &[before, new])
    }
}

fn window() -> Window {
    Window { kernel: [2; 2], stride: [2; 2], dilation: [1; 2], pads: [0; 4], ceil: false }
}

fn architectures() -> Vec<(String, Graph)> {
    let stem = |seed| Net::new(seed).conv(8, 3, 1, 1).relu();
    let mut all = vec![
        ("plain", stem(10).max().conv(8, 3, 1, 1).relu().max().dense(12).relu().dense(4)),
        (
            "normalisation and groups",
            stem(20)
                .then(Lrn::new(5, 0.1, 0.75, 1.0))
                .max()
                .conv(8, 3, 1, 2)
                .relu()
                .dense(12)
                .relu()
                .dense(4),
        ),
        ("concatenation", stem(30).fire(8).max().fire(8).average().dense(4)),
        ("residual", stem(40).block(8, 1).block(12, 2).block(12, 1).average().dense(4)),
        ("depthwise", stem(50).separable(8, 1).separable(12, 2).average().dense(4)),
        ("inverted residual", stem(60).inverted().inverted().average().dense(4)),
        ("dense connections", stem(70).grown(4).grown(4).norm().relu().average().dense(4)),
        (
            "average pooling",
            stem(80).then(AvgPool::new(window(), true)).conv(8, 3, 1, 1).relu().dense(4),
        ),
        ("convolutional head", stem(90).fire(8).conv(4, 1, 1, 1).relu().average()),
    ]
    .into_iter()
    .map(|(name, net)| (name.to_owned(), net.graph))
    .collect::<Vec<_>>();
    let activations = [
        Function::LeakyRelu { alpha: 0.1 },
        Function::Elu { alpha: 1.0 },
        Function::Selu { alpha: 1.67, gamma: 1.05 },
        Function::Sigmoid,
        Function::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Function::Tanh,
        Function::Softplus,
        Function::Swish { alpha: 1.0 },
        Function::HardSwish,
        Function::Mish,
        Function::Gelu,
        Function::GeluTanh,
    ];
    all.extend(activations.into_iter().enumerate().map(|(i, f)| {
        let net = Net::new(100 + 10 * i as u64).conv(8, 3, 1, 1).act(f).max();
        let net = net.conv(8, 3, 1, 1).act(f).dense(12).act(f).dense(4);
        (format!("{f:?}"), net.graph)
    }));
    all
}

/// The classes have scores of both signs; the largest is explained.
fn with_picture<T>(graph: &Graph, f: impl FnOnce(&Case<'_>) -> T) -> T {
    let mut rng = Seed(1).rng("picture", "", &[]);
    let values = (0..INPUT.len()).map(|_| unit_f32(&mut rng) * 2.0 - 1.0).collect();
    let acts = graph.forward(&Tensor::new(INPUT, values));
    let scores = &acts.value(graph.output()).data;
    let larger = |best: usize, i: usize| if scores[i] > scores[best] { i } else { best };
    let target = (0..scores.len()).fold(0, larger);
    assert!(scores[target] > 1e-3, "{scores:?}");
    f(&Case {
        graph,
        acts: &acts,
        target,
        low: &[-1.0; 3],
        high: &[1.0; 3],
        seed: Seed(0),
        image: "picture",
    })
}

/// The trace of a method, with the size of what arrived at each node.
fn traced(case: &Case<'_>, method: &str) -> (Trace, Vec<f64>) {
    let method = build("method", EXPLAINERS, &method.parse().unwrap()).unwrap();
    let (_, trace) = method.value.traced(case).unwrap();
    let mut sizes = vec![0.0; case.graph.len()];
    let size = |r: &Tensor| r.data.iter().map(|v| f64::from(v.abs())).sum();
    method.value.watched(case, &mut |node, r| sizes[node.0] = size(r)).unwrap();
    (trace.expect("LRP records a trace"), sizes)
}

/// True where some output of a layer has no positive or no negative products.
fn has_an_empty_side(graph: &Graph, acts: &Activations, node: NodeId) -> bool {
    let (Role::Linear(layer) | Role::Scale(layer)) = graph.node(node).op.role() else {
        return false;
    };
    let x = acts.value(graph.node(node).inputs[0]);
    let (above, below) = (x.map(|v| v.max(0.0)), x.map(|v| v.min(0.0)));
    let side = |layer: &dyn Linear, of_above: Part, of_below: Part| {
        let mut z = layer.apply(of_above, &above);
        z.add_assign(&layer.apply(of_below, &below));
        z.data.iter().any(|v| v.abs() < 1e-3)
    };
    side(layer, Part::Positive, Part::Negative) || side(layer, Part::Negative, Part::Positive)
}

/// Methods whose rules hand on all they receive, except where a side is empty.
const METHODS: &[&str] = &[
    "lrp-zero",
    "lrp-epsilon:eps=1e-6",
    "lrp-gamma",
    "lrp-alpha-beta",
    "lrp-z-plus",
    "lrp-epsilon-plus",
    "lrp-epsilon-plus-flat",
    "lrp-epsilon-alpha2-beta1",
    "lrp-epsilon-alpha2-beta1-flat",
    "lrp-epsilon-gamma-box",
    "deep-taylor",
    "excitation-backprop",
    "lrp-samek2017",
    "lrp-zero:sum=abs",
    "lrp-epsilon-plus:norm=taylor",
];

#[test]
fn every_layer_of_every_architecture_without_bias_hands_on_all_it_received() {
    for (name, graph) in architectures() {
        with_picture(&graph, |case| {
            for method in METHODS {
                let (trace, sizes) = traced(case, method);
                assert!(trace.len() > 4, "{name}");
                for row in &trace {
                    // one part in 10,000 of what arrived: f32 sums, and the stabilisers of 1e-6
                    // under sums that happen to be near 0
                    let allowed = 1e-4 * sizes[row.node.0].max(1e-3);
                    let empty = || has_an_empty_side(case.graph, case.acts, row.node);
                    assert!(
                        row.lost().abs() <= allowed || empty(),
                        "{name}, {method}: {row:?} of {}",
                        sizes[row.node.0]
                    );
                    assert!(row.to_bias == 0.0, "{name}, {method}: {row:?}");
                }
            }
        });
    }
}

#[test]
fn what_an_empty_side_loses_is_reported_to_the_last_bit() {
    // what arrived, less what was sent and lost, is 0 at every node, so the input gets the rest
    for (name, graph) in architectures() {
        with_picture(&graph, |case| {
            let (trace, sizes) = traced(case, "lrp-alpha-beta");
            let lost: f64 = trace.iter().map(super::trace::NodeRelevance::lost).sum();
            let method = build("method", EXPLAINERS, &"lrp-alpha-beta".parse().unwrap()).unwrap();
            let sum = method.value.relevance(case).unwrap().sum();
            let size: f64 = sizes.iter().copied().fold(0.0, f64::max);
            let expected = f64::from(case.score()) - lost;
            assert!((sum - expected).abs() <= 1e-5 * size.max(1.0), "{name}: {sum} {expected}");
        });
    }
}
