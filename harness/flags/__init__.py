r"""One frozen record of settings makes the options of a command, the keys of a file and the keywords of a function.

A field is a setting. Its name is the flag (`--its-name`), the key and the keyword; its type says what is read and what
is refused; its default is the default; the docstring below it is the help. What these do not say stands in a `Flag`:

    repeats: Annotated[int, Flag("--epochs", "--n-samples", least=1)] = 1
    \"\"\"Replies to each sample.\"\"\"

`harness.running.settings.RunSettings` and `trainer.config.TrainConfig` are such records. `fields` reads them, `doors`
are the ways in: a command's options, a file, a function's keywords.
"""
