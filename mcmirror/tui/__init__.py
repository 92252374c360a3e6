"""The dashboard: see and steer every mirror from a terminal, or a browser.

A map for newcomers::

    source.py     the one seam: what the dashboard asks (Source), what it shows (View), why something is not to be had
    watched.py    a Source over any Control: local.py begins one in this process, remote.py one over the API of
                  `mcmirror serve`; other_processes.py shows what other processes do
    one_shot.py   a Source of `mcmirror run --tui`: these jobs, once
    fold.py       events of a run, however many, as one small value (Seen); called by the engine's threads
    frame.py      Room, the base of each screen; ROOMS, what the number keys open; the header
    app.py        Dashboard, the Textual application, and its factory `dashboard(source)`
    formatting.py marks, words and colours of states; ages and sizes in few columns
    job_room.py   a Room with a list of jobs: the keys that run, try and pause the selected one
    rows.py       a list whose lines change in place
    dialogs.py    a question, a number to be typed, a text to be read
    config_editor.py edits mcmirror.toml: validates before writing, keeps changes made by others
    form.py       a form, judged as one types
    connections*.py, jobs*.py, history*.py    the screens 2, 3 and 4: list, form, check, import; one run, two runs
    terminal.py, shutdown.py    a terminal that goes away, and a signal, end it whatever the screen is doing
    web.py        all of it in a browser
    overview.py, run.py, plan.py    the screens; overview_text.py, run_text.py, problem_text.py their text

To add a screen: one module with a class that derives from ``frame.Room``, whose ``show(view)`` paints what it is given
(at most ten times a second, never waiting), and one line in ``frame.ROOMS``. Whatever may wait (a server, a disk) goes
through ``self.dashboard.ask(work, then)``: ``work`` runs in a thread, ``then`` gets its result on the screen's thread,
and a ``Refusal`` becomes a message in three parts. Texts are ``textual.content.Content`` made by ``formatting``;
foreign words (keys, causes, names) pass ``wording.harmless`` or ``printable`` first. A test makes a screen with
``tests/tui_samples.py``: ``async with driven(source, size) as driver``.
"""
