"""Fine-tune with a loss that weighs thinking and calls apart: SFT, MSL (SRML) and SSB."""
