"""The live dashboard: a wallboard for supervisors and a page for operators, on what `jackfield._serve` serves.

`site` answers the HTTP requests that `access` allows, and mounts ``/v1/``; `operations` holds the operator's figures.
The pages read ``/v1/`` as any other program could.
"""
