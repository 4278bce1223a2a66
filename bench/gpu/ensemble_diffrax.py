# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The ensembles of ensemble.py by diffrax: a solve of Tsit5 under `jax.vmap` and `jax.jit`, on the same GPU.

Each system has steps of its own, as there. The step is controlled by diffrax's PIDController as it comes, with the same
tolerances; the first step is its own choice or 1e-3.
"""
import os
import statistics
import time


class Diffrax:
    """Raises ImportError where diffrax is not installed."""

    def __init__(self):
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # PyTorch has memory of this GPU, too
        import diffrax
        import jax
        jax.config.update("jax_enable_x64", True)
        self.jax, self.diffrax = jax, diffrax
        self.version = f"diffrax {diffrax.__version__}, jax {jax.__version__} on {jax.devices()[0].platform}"
        self.calls = {}

    def right(self, dtype):
        """The derivative of the states of one system."""
        def lorenz(t, u, rho):
            x, y, z = u
            return self.jax.numpy.stack([10 * (y - x), x * (rho - z) - y, x * y - dtype(8 / 3) * z])

        return lorenz

    def solver(self, dtype, first):
        """All systems from 0 to 1: a function of their states, their parameter and the tolerance."""
        jnp, diffrax, right = self.jax.numpy, self.diffrax, self.right(dtype)

        def solve(u, rho, tol):
            found = diffrax.diffeqsolve(diffrax.ODETerm(right), diffrax.Tsit5(), dtype(0), dtype(1),
                                        None if first is None else dtype(first), u, rho, max_steps=100000, throw=False,
                                        stepsize_controller=diffrax.PIDController(rtol=tol, atol=tol),
                                        saveat=diffrax.SaveAt(t1=True), adjoint=diffrax.ForwardMode())
            return jnp.where(found.result == diffrax.RESULTS.successful, found.ys[-1], jnp.nan)

        return self.jax.jit(self.jax.vmap(solve, in_axes=(0, 0, None)))

    def run(self, dtype, first, u, rho, tol, times):
        """The median time of a call in ms, without the first one, which compiles; and the ends."""
        key = dtype, first
        if key not in self.calls:
            self.calls[key] = self.solver(dtype, first)
        inputs = [self.jax.device_put(dtype(x)) for x in (u, rho, tol)]
        self.jax.block_until_ready(inputs)
        end = self.calls[key](*inputs).block_until_ready()
        assert end.dtype == dtype
        taken = []
        for _ in range(times):
            begin = time.perf_counter()
            self.calls[key](*inputs).block_until_ready()
            taken.append(1e3 * (time.perf_counter() - begin))
        return statistics.median(taken), end
