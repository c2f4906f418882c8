"""Models at work: loaded and scored in a process that can do no harm, or asked over HTTP.

The gate never loads a model, nor anything else that a release could execute. `process` starts a child and
talks to it; `child` is the program that runs there, under whatever interpreter the model needs, with one of
`adapters` for its format; `isolation` shuts the child in; `served` asks endpoints.
"""
