//! The layers' gradients: against finite differences, and batch norm and Adam against candle's own.

use candle_augment::nn::{
    Activation, Adam, AdamConfig, BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, ConvTranspose2d, Embedding, Init,
    LayerConfig, Linear, Params, Projection, SpectralNorm, UpsampleConv2d, modulate, to_channels_first,
    to_channels_last, update_average,
};
use candle_augment::{Purpose, Result, SampleKey};
use candle_core::{Device, Tensor, Var};
use candle_nn::{ModuleT, Optimizer};

/// A variable whose values are the same in every run.
fn random(shape: &[usize], position: u64) -> Result<Var> {
    let mut rng = SampleKey { seed: 3, epoch: 0, position, purpose: Purpose::Weights }.rng();
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.normal() as f32).collect();
    Ok(Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?)?)
}

fn dot(a: &Tensor, b: &Tensor) -> Result<f64> {
    let (a, b): (Vec<f32>, Vec<f32>) = (a.flatten_all()?.to_vec1()?, b.flatten_all()?.to_vec1()?);
    assert_eq!(a.len(), b.len());
    Ok(a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(b)).sum())
}

/// Compares the gradient of `⟨forward(), pull⟩` by each variable with a central difference along a random direction.
fn check(variables: &[Var], forward: impl Fn() -> Result<Tensor>) -> Result<()> {
    let y = forward()?;
    let pull = random(y.dims(), 90)?;
    let gradients = (y * pull.as_tensor())?.sum_all()?.backward()?;
    for (position, variable) in variables.iter().enumerate() {
        let direction = random(variable.dims(), 100 + position as u64)?;
        let gradient = gradients.get(variable).expect("a gradient for every variable");
        let expected = dot(gradient, &direction)?;
        let (old, step) = (variable.as_tensor().copy()?, 1e-2);
        let value = |by: f64| -> Result<f64> {
            variable.set(&(&old + (direction.as_tensor() * by)?)?)?;
            dot(&forward()?, &pull)
        };
        let found = (value(step)? - value(-step)?) / (2.0 * step);
        variable.set(&old)?;
        // The scale of the gradient bounds both the curvature's and the rounding's share.
        let scale = dot(gradient, gradient)?.sqrt() * dot(&direction, &direction)?.sqrt();
        assert!(
            (expected - found).abs() < 2e-3 * scale,
            "variable {position}: {expected} by backward, {found} by differences"
        );
    }
    Ok(())
}

fn all(params: &Params, inputs: &[&Var]) -> Vec<Var> {
    params.variables().map(|(_, var)| var.clone()).chain(inputs.iter().map(|var| (*var).clone())).collect()
}

#[test]
fn convolution() -> Result<()> {
    let mut params = Params::new(1, &Device::Cpu);
    let config = Conv2dConfig { kernel: 4, stride: 2, activation: Activation::Tanh, ..Default::default() };
    let layer = Conv2d::new(&mut params, "conv", 3, 5, config)?;
    let x = random(&[20, 7, 6, 3], 0)?;
    check(&all(&params, &[&x]), || layer.forward(x.as_tensor()))
}

#[test]
fn transposed_convolution() -> Result<()> {
    let mut params = Params::new(1, &Device::Cpu);
    let config = LayerConfig { activation: Activation::Tanh, ..Default::default() };
    let layer = ConvTranspose2d::new(&mut params, "conv", 3, 2, config)?;
    let x = random(&[20, 3, 4, 3], 0)?;
    check(&all(&params, &[&x]), || layer.forward(x.as_tensor()))
}

#[test]
fn convolutions_of_many_channels() -> Result<()> {
    for (kernel, stride, inputs) in [(4, 2, 9), (3, 1, 33)] {
        let mut params = Params::new(1, &Device::Cpu);
        let config = Conv2dConfig { kernel, stride, activation: Activation::Tanh, ..Default::default() };
        let layer = Conv2d::new(&mut params, "conv", inputs, 17, config)?;
        let x = random(&[10, 6, 8, inputs], 0)?;
        check(&all(&params, &[&x]), || layer.forward(x.as_tensor()))?;
    }
    let mut params = Params::new(1, &Device::Cpu);
    let config = LayerConfig { activation: Activation::Tanh, ..Default::default() };
    let layer = ConvTranspose2d::new(&mut params, "conv", 17, 9, config)?;
    let x = random(&[10, 4, 3, 17], 0)?;
    check(&all(&params, &[&x]), || layer.forward(x.as_tensor()))
}

#[test]
fn convolution_to_few_channels() -> Result<()> {
    let mut params = Params::new(1, &Device::Cpu);
    let config = Conv2dConfig { activation: Activation::Tanh, ..Default::default() };
    let layer = Conv2d::new(&mut params, "conv", 12, 3, config)?;
    let x = random(&[9, 5, 6, 12], 0)?;
    check(&all(&params, &[&x]), || layer.forward(x.as_tensor()))
}

#[test]
fn doubling_convolution() -> Result<()> {
    let mut params = Params::new(1, &Device::Cpu);
    let config = LayerConfig { activation: Activation::Tanh, ..Default::default() };
    let layer = UpsampleConv2d::new(&mut params, "conv", 18, 9, config)?;
    let x = random(&[6, 3, 4, 18], 0)?;
    check(&all(&params, &[&x]), || layer.forward(x.as_tensor()))
}

#[test]
fn projection() -> Result<()> {
    let mut params = Params::new(1, &Device::Cpu);
    let head = Projection::new(&mut params, "head", 3, 7, Init::Normal(1.0))?;
    let labels = Tensor::new(&[2u32, 0, 2, 1], &Device::Cpu)?;
    let x = random(&[4, 7], 0)?;
    check(&all(&params, &[&x]), || head.forward_scaled(x.as_tensor(), &labels, 0.5))
}

#[test]
fn modulation_and_activation_by_themselves() -> Result<()> {
    let (x, gain, bias) = (random(&[3, 4, 5, 7], 0)?, random(&[3, 7], 1)?, random(&[3, 7], 2)?);
    check(&[x.clone(), gain.clone(), bias.clone()], || {
        modulate(x.as_tensor(), gain.as_tensor(), bias.as_tensor(), Activation::Tanh)
    })?;
    check(std::slice::from_ref(&x), || Activation::Tanh.forward(x.as_tensor()))
}

#[test]
fn spectral_norm_with_its_vectors_held() -> Result<()> {
    // The published gradient takes u and v for constants, so the difference is that of W / (uᵀWv) with both held: they are
    // the singular vectors here, at which σ does not change with them.
    let mut params = Params::new(1, &Device::Cpu);
    let norm = SpectralNorm::new(&mut params, "norm", 5)?;
    let weight = random(&[3, 4, 5], 0)?;
    for _ in 0..200 {
        norm.iterate(weight.as_tensor())?;
    }
    check(std::slice::from_ref(&weight), || norm.normalise(weight.as_tensor()))
}

#[test]
fn the_average_follows_every_value() -> Result<()> {
    let make = |seed| -> Result<Params> {
        let mut params = Params::new(seed, &Device::Cpu);
        params.variable("weight", &[40, 1000], Init::Normal(1.0), 1)?;
        BatchNorm::new(&mut params, "norm", 3)?.forward(random(&[7, 3], seed)?.as_tensor(), true)?;
        Ok(params)
    };
    let (average, current) = (make(1)?, make(2)?);
    let values = |params: &Params| -> Result<Vec<f32>> {
        let all = params.tensors().map(|(_, var)| Ok(var.flatten_all()?.to_vec1::<f32>()?));
        Ok(all.collect::<Result<Vec<_>>>()?.concat())
    };
    let (before, target) = (values(&average)?, values(&current)?);
    update_average(&average, &current, 0.9)?;
    for ((before, target), after) in before.iter().zip(&target).zip(values(&average)?) {
        assert!((0.9 * before + 0.1 * target - after).abs() < 1e-6, "{before} and {target} give {after}");
    }
    assert_eq!(values(&current)?, target);
    Ok(())
}

#[test]
fn dense_layer_and_embedding() -> Result<()> {
    let mut params = Params::new(1, &Device::Cpu);
    let embedding = Embedding::new(&mut params, "classes", 4, 6, Init::Normal(1.0))?;
    let config = LayerConfig { activation: Activation::Tanh, ..Default::default() };
    let layer = Linear::new(&mut params, "dense", 6, 3, config)?;
    let labels = Tensor::new(&[3u32, 0, 0, 2, 1], &Device::Cpu)?;
    check(&all(&params, &[]), || layer.forward(&embedding.forward(&labels)?))
}

#[test]
fn batch_norm_by_batch_and_by_running_statistics() -> Result<()> {
    let mut params = Params::new(1, &Device::Cpu);
    let config = BatchNormConfig { activation: Activation::Tanh, init: Init::Normal(1.0), ..Default::default() };
    let layer = BatchNorm::with_config(&mut params, "norm", 3, config)?;
    let x = random(&[9, 3, 2, 3], 0)?;
    for train in [true, false] {
        check(&all(&params, &[&x]), || layer.forward(x.as_tensor(), train))?;
    }
    Ok(())
}

#[test]
fn kinks_have_the_derivative_of_their_lower_side() -> Result<()> {
    for (activation, expected) in [(Activation::Relu, 0.0), (Activation::LeakyRelu(0.2), 0.2f32)] {
        let mut params = Params::new(1, &Device::Cpu);
        let config = LayerConfig { activation, init: Init::Constant(1.0), ..Default::default() };
        let layer = Linear::new(&mut params, "dense", 1, 1, config)?;
        let x = Var::zeros((1, 1), candle_core::DType::F32, &Device::Cpu)?;
        let gradients = layer.forward(x.as_tensor())?.sum_all()?.backward()?;
        let gradient = gradients.get(&x).expect("x is a variable").to_vec2::<f32>()?;
        assert_eq!(gradient, [[expected]]);
    }
    Ok(())
}

#[test]
fn frozen_layers_pass_gradients_on_but_take_none() -> Result<()> {
    let mut params = Params::new(1, &Device::Cpu);
    let conv = Conv2d::new(&mut params, "conv", 2, 3, Conv2dConfig::default())?.frozen();
    let norm = BatchNorm::new(&mut params, "norm", 3)?.frozen();
    let x = random(&[4, 5, 5, 2], 0)?;
    let gradients = norm.forward(&conv.forward(x.as_tensor())?, true)?.sqr()?.sum_all()?.backward()?;
    assert!(gradients.get(&x).is_some());
    assert!(params.variables().all(|(_, var)| gradients.get(var).is_none()));
    Ok(())
}

#[test]
fn batch_norm_is_candles() -> Result<()> {
    let mut params = Params::new(1, &Device::Cpu);
    let own = BatchNorm::new(&mut params, "norm", 3)?;
    let names = candle_nn::VarMap::new();
    let builder = candle_nn::VarBuilder::from_varmap(&names, candle_core::DType::F32, &Device::Cpu);
    let stock = candle_nn::batch_norm(3, 1e-5, builder)?;
    // Far from 0, where a variance from the mean of squares would lose its digits.
    let x = (random(&[50, 4, 3, 3], 0)?.as_tensor() + 100.0)?;
    for train in [true, true, false] {
        let expected = stock.forward_t(&to_channels_first(&x)?, train)?;
        let found = to_channels_first(&own.forward(&x, train)?)?;
        let difference: f32 = (expected - found)?.abs()?.max_all()?.to_scalar()?;
        assert!(difference < 1e-4, "{difference}");
    }
    Ok(())
}

#[test]
fn a_calibrated_batch_norm_repeats_its_training_pass() -> Result<()> {
    let mut params = Params::new(1, &Device::Cpu);
    let layer = BatchNorm::new(&mut params, "norm", 2)?;
    let x = random(&[5000, 1, 1, 2], 0)?;
    let trained = layer.calibrate(x.as_tensor(), 1.0)?;
    let evaluated = layer.forward(x.as_tensor(), false)?;
    // The running variance is unbiased: 5000/4999 of the batch's.
    let difference: f32 = (trained - evaluated)?.abs()?.max_all()?.to_scalar()?;
    assert!(difference < 5e-4, "{difference}");
    Ok(())
}

#[test]
fn adam_is_candles_without_decay() -> Result<()> {
    let mut params = Params::new(1, &Device::Cpu);
    let weight = params.variable("weight", &[3, 4], Init::Normal(1.0), 1)?;
    let other = Var::from_tensor(&weight.copy()?)?;
    let mut own = Adam::new(&params, AdamConfig { learning_rate: 0.1, ..Default::default() })?;
    let stock = candle_nn::ParamsAdamW { lr: 0.1, weight_decay: 0.0, ..Default::default() };
    let mut stock = candle_nn::AdamW::new(vec![other.clone()], stock)?;
    for _ in 0..10 {
        own.step(&weight.powf(3.0)?.sum_all()?.backward()?)?;
        stock.step(&other.powf(3.0)?.sum_all()?.backward()?)?;
    }
    let difference: f32 = (weight - other.as_tensor())?.abs()?.max_all()?.to_scalar()?;
    assert!(difference < 1e-5, "{difference}");
    Ok(())
}

#[test]
fn layouts_come_back() -> Result<()> {
    for channels in [1, 3] {
        let images = random(&[2, channels, 4, 5], 0)?;
        let last = to_channels_last(images.as_tensor())?;
        assert_eq!(last.dims(), [2, 4, 5, channels]);
        assert_eq!(dot(&to_channels_first(&last)?, &images)?, dot(&images, &images)?);
    }
    Ok(())
}
