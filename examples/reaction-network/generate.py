#!/usr/bin/env python3
"""Writes a large network of reactions, the same one each time: generate.py > network.mad

A protein with 10 sites, each of which enzymes turn on and off (1024 states), binds ligands in some of its
states: about 1100 species and 24000 changes of species, as models made of rules have.
"""
import random

SITES, BOUND = 10, 60


def network():
    """Species, their initial amounts, and reactions (reactants, products, rate)."""
    rng = random.Random(20)
    states = [f"P{i}" for i in range(2**SITES)]
    ligands = ["L0", "L1", "L2", "L3"]
    enzymes = [f"K{i}" for i in range(SITES)] + ["F0", "F1"]
    bound = [f"B{i}" for i in range(BOUND)]
    species = states + ligands + enzymes + bound
    amounts = {name: 0.0 for name in species}
    amounts["P0"] = 100.0
    amounts.update({name: 5.0 + i for i, name in enumerate(ligands)})
    amounts.update({name: round(rng.uniform(0.5, 2.0), 3) for name in enzymes})
    rate = lambda size: float(f"{size * 10 ** rng.uniform(-1, 1):.4g}")
    reactions = []
    for i in range(2**SITES):
        for site in range(SITES):
            if i >> site & 1:
                continue
            off, on = states[i], states[i | 1 << site]
            # What other sites do changes how fast an enzyme is.
            reactions.append(([off, f"K{site}"], [on, f"K{site}"], rate(1.0 + bin(i).count("1"))))
            reactions.append(([on, f"F{site % 2}"], [off, f"F{site % 2}"], rate(1.0)))
    for i, name in enumerate(bound):
        for state in rng.sample(states, 10):
            reactions.append(([state, ligands[i % 4]], [name], rate(0.3)))
        for state in rng.sample(states, 10):
            reactions.append(([name], [state, ligands[i % 4]], rate(100.0)))
    for name in enzymes:
        reactions.append(([], [name], rate(0.01)))
        reactions.append(([name], [], rate(0.01)))
    return species, amounts, reactions


def main():
    species, amounts, reactions = network()
    side = lambda names: " + ".join(names) or "0"
    print("// Made by generate.py.")
    print(f"reactions network(u: f64[{', '.join(species)}]) {{")
    for left, right, rate in reactions:
        print(f"  {side(left)} -> {side(right)}, rate = {rate!r}")
    print("}\n")
    print(f"const initial: f64[{len(species)}] = [{', '.join(repr(amounts[name]) for name in species)}]\n")
    print(f"""/// All amounts at time `to`.
export fn amounts(to: f64) -> f64[{len(species)}] {{
  (solve network(initial) from 0.0 to to with rodas5p(rtol = 1e-6, atol = 1e-8)).u
}}""")


if __name__ == "__main__":
    main()
