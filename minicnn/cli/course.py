"""`minicnn course`: hand out assignments, prove that they are sound, and grade what comes back."""

import argparse
import secrets
import sys
from pathlib import Path
from typing import Any

from minicnn.cli import FAILED, OK
from minicnn.cli.options import positive
from minicnn.errors import ArgumentError


def add_parser(subparsers: Any) -> None:
    """Enter the command's options."""
    parser = subparsers.add_parser("course", help="assignments: hand out, check, grade", description=__doc__)
    what = parser.add_subparsers(metavar="WHAT", dest="what", required=True)

    new = what.add_parser("new", help="begin an assignment", description="Make the folder of a new assignment, with one question that works.")
    new.add_argument("folder", type=Path, metavar="FOLDER", help="such as assignments/a8; its name is that of the assignment")
    new.add_argument("--title", default="A new assignment", metavar="TEXT", help="the heading of the notebook")
    new.set_defaults(run=run_new)

    release = what.add_parser("release", help="make the notebooks that students get", description="Make the notebook that students get: no solution, no output, the same bytes every time.")
    release.add_argument("assignments", nargs="+", type=Path, metavar="FOLDER", help="such as assignments/a2")
    release.add_argument("--out", type=Path, metavar="DIR", help="write NAME/NAME.ipynb there, with checks and pictures (default: beside the source)")
    release.add_argument("--solutions", action="store_true", help="the notebooks with the answers instead, as NAME_solution.ipynb, into --out")
    release.set_defaults(run=run_release)

    check = what.add_parser("check", help="prove that an assignment is sound", description="Hand in the solution, the untouched release, each question solved by itself, and every wrong answer of mutants.toml.")
    check.add_argument("assignments", nargs="+", type=Path, metavar="FOLDER", help="such as assignments/a2")
    check.add_argument("--no-kernel", action="store_true", help="do not run the solution in a Jupyter kernel as well")
    check.set_defaults(run=run_check)

    grade = what.add_parser("grade", help="grade a folder of submissions", description="Grade what students have handed in, each question in a process of its own.")
    grade.add_argument("assignment", type=Path, metavar="ASSIGNMENT", help="folder of the assignment, such as assignments/a2")
    grade.add_argument("submissions", type=Path, metavar="FOLDER", help="a file for each student, or a folder for each")
    grade.add_argument("--out", type=Path, required=True, metavar="FILE.csv", help="the grades; FILE.seed beside it keeps the hidden seed, FILE_verdicts what is done, so that an interrupted run goes on")
    grade.add_argument("--feedback", type=Path, metavar="DIR", help="write a page for each student there, in Markdown and in HTML")
    grade.add_argument("--gradescope", type=Path, metavar="DIR", help="write STUDENT.json there, each in the form of Gradescope's results.json")
    grade.add_argument("--seed", metavar="TEXT", help="of the hidden random numbers (default: drawn, and kept beside the grades)")
    grade.add_argument("--workers", type=positive, metavar="N", help="students at once (default: as many as there are processors)")
    grade.set_defaults(run=run_grade)

    export = what.add_parser("export", help="make a source for nbgrader", description="Write NAME/NAME.ipynb with nbgrader's metadata, and checks.py beside it: for the folder source of an nbgrader course.")
    export.add_argument("assignments", nargs="+", type=Path, metavar="FOLDER", help="such as assignments/a2")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="nbgrader's folder source")
    export.set_defaults(run=run_export)


def run_new(args: argparse.Namespace) -> int:
    """Write the files."""
    from minicnn.course.new import new_assignment

    for path in new_assignment(args.folder, args.title):
        print(path)
    print(f"Next: minicnn course check {args.folder}")
    return OK


def run_export(args: argparse.Namespace) -> int:
    """Write the notebooks."""
    import shutil

    from minicnn.course.assignment import load_assignment
    from minicnn.course.export import nbgrader_source
    from minicnn.course.release import beside
    from minicnn.io.atomic import write_atomically

    for assignment in [load_assignment(folder) for folder in args.assignments]:
        folder = args.out / assignment.name
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{assignment.name}.ipynb", "notebook", [nbgrader_source(assignment)])
        for path in beside(assignment.folder):
            shutil.copyfile(path, folder / path.name)
        print(f"{folder}: nbgrader generate_assignment {assignment.name}")
    return OK


def run_release(args: argparse.Namespace) -> int:
    """Write the notebooks."""
    from minicnn.course.assignment import load_assignment
    from minicnn.course.release import notebook, release
    from minicnn.io.atomic import write_atomically

    if args.solutions and args.out is None:
        raise ArgumentError("course release --solutions: say where to with --out; beside the notebooks of the students they would be handed out with them")
    for assignment in [load_assignment(folder) for folder in args.assignments]:
        if args.solutions:
            args.out.mkdir(parents=True, exist_ok=True)
            path = args.out / f"{assignment.name}_solution.ipynb"
            write_atomically(path, "notebook", [notebook(assignment, solution=True)])
        else:
            path = release(assignment, args.out or assignment.folder.parent)[0]
        print(f"{path}: {assignment.title}; {len(assignment.questions)} questions, {assignment.points:g} points")
    return OK


def run_check(args: argparse.Namespace) -> int:
    """Print the matrix; the exit code is 1 if something is wrong with an assignment."""
    from rich.console import Console

    from minicnn.course.assignment import load_assignment
    from minicnn.course.jupyter import run_in_kernel
    from minicnn.course.trial import try_out

    faults, console = 0, Console(highlight=False, markup=False, soft_wrap=True)
    for assignment in [load_assignment(folder) for folder in args.assignments]:
        width = max(len(question.name) for question in assignment.questions)
        console.print(f"{assignment.name}: {assignment.title}; {assignment.points:g} points, of {', '.join(question.name for question in assignment.questions)}")
        for row in try_out(assignment, None if args.no_kernel else run_in_kernel):
            points = "  ".join(f"{earned:g}/{of:g}".ljust(5) for _, earned, of in row.points)
            console.print(f"  {'FAULT' if row.fault else 'fine '}  {row.what:<{width + 40}.{width + 40}}  {points}".rstrip())
            if row.fault:
                faults += 1
                console.print("\n".join(f"         {line}" for line in row.fault.splitlines()))
    return FAILED if faults else OK


def run_grade(args: argparse.Namespace) -> int:
    """Grade, with a line for each student who is done."""
    from minicnn.course.assignment import load_assignment
    from minicnn.course.export import write_gradescope
    from minicnn.course.feedback import write_feedback
    from minicnn.course.grade import find_submissions, grade, processors, table
    from minicnn.io.atomic import write_atomically

    assignment = load_assignment(args.assignment)
    submissions = find_submissions(args.submissions, assignment.name)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    print(_how_shut_in(), file=sys.stderr)
    count = 0

    def done(graded: Any) -> None:
        nonlocal count
        count += 1
        print(f"{count:4} of {len(submissions)}  {graded.student}: {graded.earned:g} of {assignment.points:g}", file=sys.stderr, flush=True)

    graded = grade(
        assignment, submissions, args.out.with_name(f"{args.out.stem}_verdicts"),
        seed=_seed(args), workers=args.workers or processors(), done=done,
    )  # fmt: skip
    write_atomically(args.out, "table of grades", [table(assignment, graded)])
    if args.feedback:
        write_feedback(graded, args.feedback, assignment.title, assignment.headings)
    if args.gradescope:
        write_gradescope(graded, args.gradescope)
    print(f"{args.out}: {len(graded)} students" + (f"; a page for each in {args.feedback}" if args.feedback else ""))
    return OK


def _how_shut_in() -> str:
    """What holds the answers here, or what does not."""
    from minicnn.course.sandbox.student import walls_here

    missing = {"files": "files (Landlock: Linux 5.13)", "calls": "processes and the network (seccomp: Linux on x86-64 or AArch64)"}
    for wall in walls_here():
        del missing[wall]
    if not missing:
        return "Answers are shut in by the kernel: no files but Python's own, no network, no other processes."
    return f"warning: on this system nothing but Python keeps answers from {' and from '.join(missing.values())}: grade in a container that holds nothing else"


def _seed(args: argparse.Namespace) -> str:
    """The one that is given, or that of the run that is continued, or a new one."""
    from minicnn.io.atomic import write_atomically

    path: Path = args.out.with_suffix(".seed")
    if args.seed is not None:
        return str(args.seed)
    if not path.exists():
        write_atomically(path, "seed", [secrets.token_hex(8).encode()])
        path.chmod(0o600)
    return path.read_text(encoding="ascii").strip()
