#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes expected.npz: what transformers and PyTorch make of sentences.txt, with the same weights in f64.

Run it with venv/bin/python, which `fetch.sh --reference` makes. It holds

    ids, lengths   the tokens of all sentences one after the other (256 at most each), and how many
    vectors        f16[200, 384]: rounding moves a cosine by (2^-11)^2 / 2 = 1.2e-7 at most
"""
import os

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel, BertTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))

with open(HERE + "/sentences.txt", encoding="utf-8", newline="\n") as f:
    sentences = f.read().split("\n")[:-1]
# What the published configuration says where it is not the default of the class.
config = BertConfig(vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12,
                    intermediate_size=1536, layer_norm_eps=1e-12)
tokenizer = BertTokenizerFast(HERE + "/model/vocab.txt", do_lower_case=True)
model = BertModel(config, add_pooling_layer=False).eval()
weights = load_file(HERE + "/model/model.safetensors")
missing, _ = model.load_state_dict(weights, strict=False)
assert not missing, missing
model = model.double()

ids, vectors = [], []
with torch.no_grad():
    for sentence in sentences:
        batch = tokenizer(sentence, truncation=True, max_length=256, return_tensors="pt")
        ids.append(batch["input_ids"][0].numpy().astype(np.int32))
        mean = model(**batch).last_hidden_state[0].mean(0)
        vectors.append(torch.nn.functional.normalize(mean, dim=0).numpy())
np.savez_compressed(HERE + "/expected.npz", ids=np.concatenate(ids), lengths=[len(i) for i in ids],
                    vectors=np.array(vectors, np.float16))
print(len(sentences), "sentences of", min(map(len, ids)), "to", max(map(len, ids)), "tokens")
