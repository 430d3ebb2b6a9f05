"""Fine-tune with a loss that weighs thinking and calls apart: SFT, MSL (SRML) and SSB."""

import logging

# transformers imports peft, and that bitsandbytes, which misses a CPU kernel at every start; it is not used here.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
