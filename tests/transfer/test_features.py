"""Features of a layer, of an image and of a dataset."""

import numpy as np
import pytest

import minicnn
from minicnn import Tensor, models, nn, ops
from minicnn.data import ArrayDataset, DataLoader
from minicnn.errors import ArgumentError
from minicnn.transfer import extract, features
from minicnn.transfer.features import last_layer

RNG = np.random.default_rng(51)
IMAGES, LABELS = RNG.standard_normal((5, 1, 32, 32)).astype(np.float32), np.array([3, 1, 4, 1, 5])


@pytest.fixture
def net():
    minicnn.manual_seed(0)
    return models.LeNet5()


def test_one_path_several_and_the_last_hidden_layer(net):
    x = Tensor(IMAGES)
    c3 = net.c3(net.s2(ops.tanh(net.c1(x)))).numpy()
    hidden = ops.tanh(net.f6(ops.tanh(net.c5(net.s4(ops.tanh(net.c3(net.s2(ops.tanh(net.c1(x)))))).reshape(5, -1))))).numpy()
    np.testing.assert_allclose(features(net, x, "c3").numpy(), c3, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(features(net, IMAGES).numpy(), hidden, rtol=1e-5, atol=1e-6)  # an array will do
    both = features(net, x, ["c3", "s2"])
    assert set(both) == {"c3", "s2"}
    np.testing.assert_allclose(both["c3"].numpy(), c3, rtol=1e-5, atol=1e-6)
    assert net.training


@pytest.mark.parametrize(
    ("name", "layer"), [("ResNet18", "fc"), ("MobileNetV2", "classifier.1"), ("SqueezeNet1_1", "classifier.1"), ("VGG11", "classifier.6")]
)
def test_the_last_layer_is_the_one_that_runs_last(name, layer):
    with minicnn.use_backend("meta"):
        assert last_layer(models.create(name), (3, 224, 224)) == layer


def test_auxiliary_classifiers_do_not_run():
    with minicnn.use_backend("meta"):
        net = models.GoogLeNetBN()
        assert last_layer(net, (3, 224, 224)) == "fc"
        with pytest.raises(ArgumentError, match=r"the layer 'aux1\.fc2' of GoogLeNetBN does not run in evaluation mode"):
            features(net, minicnn.zeros(1, 3, 224, 224), "aux1.fc2")


def test_a_network_without_weights_has_no_last_layer():
    with pytest.raises(ArgumentError, match="has no convolution and no linear layer"):
        features(nn.Sequential(nn.ReLU()), IMAGES)


def test_several_layers_of_a_whole_dataset(net):
    loader = DataLoader(ArrayDataset(IMAGES, LABELS), batch_size=2)
    found, labels = extract(net, loader, ["s4", "input of output"])
    for path, values in {"s4": found["s4"], None: found["input of output"]}.items():
        alone, same = extract(net, loader, path)
        np.testing.assert_array_equal(values, alone)
        np.testing.assert_array_equal(labels, same)


def test_a_whole_dataset_pooled_or_not(net):
    loader = DataLoader(ArrayDataset(IMAGES, LABELS), batch_size=2)
    found, labels = extract(net, loader, "s4")
    maps, _ = extract(net, loader, "s4", pool=False)
    assert (found.shape, maps.shape) == ((5, 16), (5, 16, 5, 5))
    np.testing.assert_allclose(found, maps.mean(axis=(2, 3)), rtol=1e-6)
    np.testing.assert_allclose(maps, features(net, IMAGES, "s4").numpy(), rtol=1e-5, atol=1e-6)
    assert labels.tolist() == LABELS.tolist()


def test_features_and_labels_stay_together_when_shuffled(net):
    plain, _ = extract(net, DataLoader(ArrayDataset(IMAGES, np.arange(5)), batch_size=5))
    found, order = extract(net, DataLoader(ArrayDataset(IMAGES, np.arange(5)), batch_size=2, shuffle=True, seed=3))
    assert order.tolist() != sorted(order)
    np.testing.assert_allclose(found, plain[order], rtol=1e-5, atol=1e-6)


def test_a_dataset_without_labels(net):
    with pytest.raises(ArgumentError, match=r"a batch must be \(images, labels\)"):
        extract(net, DataLoader(ArrayDataset(IMAGES), batch_size=2))
