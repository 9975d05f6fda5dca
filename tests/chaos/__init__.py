"""The chaos run: writers and readers over a database that is killed, cut, frozen and failed over.

`python -m chaos` runs it, with `tests/` as the path; `make chaos` does so. An arrow leads from a
part to those that it imports:

- `run` is a run from its start to its verdict -> `nemesis`, which breaks things; `cluster`, a
  primary and its standby, each behind a gate; `troop`, the processes; `inspection` of what the
  database holds at the end; `report`, the counts as a table, is made of what `run` returns
- `writer`, `page` and `reader` are the processes -> `calls`, each noted before and after;
  `stored`, the values that they write; `purse`, the tokens that they keep; `threads`
- `gaps` are moments whose writes an asynchronous standby may lack -> `cluster`, `history`
- `verdict` says which promises a history breaks -> `history`, all journals as changes, appends and
  reads -> `journal`, what one process has noted; `plan`, what all processes know
"""
