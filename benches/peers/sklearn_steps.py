"""An epoch of MNIST by scikit-learn's MLPClassifier."""

import numpy
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import common
from common import MEAN, STD, measure


def epoch(net, options):
    """One epoch in a new order. `partial_fit` makes one pass and keeps the optimizer's state.

    Pixels are normalized all at once before it, as it takes only whole arrays.
    """
    images, labels = common.read_mnist(options.mnist)
    model = MLPClassifier(tuple(net.sizes[1:-1]), solver="adam", learning_rate_init=1e-3,
                          activation="tanh" if net.tanh else "relu", batch_size=net.batch,
                          alpha=0.0, random_state=0)
    scale, shift = numpy.float32(1 / (255 * STD)), numpy.float32(MEAN / STD)
    classes = numpy.arange(net.sizes[-1])

    def call():
        x = images.astype(numpy.float32)
        x *= scale
        x -= shift
        model.partial_fit(x, labels, classes=classes)

    timing = measure(options.seconds, call, 2)
    common.report("sklearn", "epoch", net.text, options.threads, timing, loss=model.loss_)


def main():
    options = common.options()
    with threadpool_limits(options.threads):
        for net in options.net:
            if "epoch" in options.what:
                epoch(net, options)


main()
