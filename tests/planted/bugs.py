"""Mistakes that we might make, each as a small change of one file, with the test that must turn red."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """One planted bug.

    Args:
        mistake: In words, for the table.
        file: Below `gitsession/`.
        right: What stands there, once.
        wrong: What is planted in its place.
        test: The test that must fail, below `tests/`; it may name more than one by `::` or a folder's file.
    """

    mistake: str
    file: str
    right: str
    wrong: str
    test: str


BUGS = (
    Bug(
        "a host is matched by its beginning",
        "credentials.py",
        "request.host.lower() != host",
        "not request.host.lower().startswith(host)",
        "security/test_credential_abuse.py",
    ),
    Bug(
        "the token is given to http too",
        "credentials.py",
        ' or request.protocol != "https":\n        return None',
        ":\n        return None",
        "security/test_credential_abuse.py",
    ),
    Bug(
        "a clone says itself whose certificates are good",
        "commands/credential.py",
        "    return not found\n",
        "    return True\n",
        "security/test_planted_trust.py",
    ),
    Bug(
        "git takes the token to where a server's objects lie elsewhere",
        "credentials.py",
        '("http", "followRedirects", "initial")',
        '("http", "unused", "initial")',
        "security/test_planted_trust.py::test_the_token_does_not_go_to_where_objects_lie_elsewhere",
    ),
    Bug(
        "a URL is said with its credentials",
        "git/command.py",
        '_CREDENTIALS_IN_URL.sub(r"\\1", text)',
        "text",
        "git/test_command.py",
    ),
    Bug(
        "our git calls run the repository's hooks",
        "git/command.py",
        '    "core.hooksPath": os.devnull,',
        '    "core.unused": os.devnull,',
        "git/test_command.py",
    ),
    Bug(
        "a content that is missing is asked of whom a clone names",
        "git/command.py",
        "return PROTOCOLS if command in TRAVELLING else OFFLINE",
        "return PROTOCOLS",
        "security/test_promisors.py",
    ),
    Bug(
        "a partial clone is completed by its own settings",
        "git/partial.py",
        'place = asking(Path(folder), _origin(repository), repository.git_dir / "objects")',
        "place = repository",
        "security/test_promisors.py::test_a_day_with_a_hostile_partial_clone",
    ),
    Bug(
        "programs are looked for where a process starts",
        "run.py",
        'if folder.startswith("/"))',
        "if folder or True)",
        "test_run.py",
    ),
    Bug(
        "secrets are passed on to children",
        "run.py",
        "if name not in SECRET_VARIABLES and (",
        "if (",
        "test_credentials.py",
    ),
    Bug(
        "a submodule's filters run",
        "snapshot/nested.py",
        "variables=_without_filters(repository)",
        "variables={}",
        "snapshot/test_nested.py",
    ),
    Bug(
        "a submodule's submodules are entered with their own settings",
        "snapshot/nested.py",
        "--ignore-submodules=dirty",
        "--ignore-submodules=none",
        "snapshot/test_nested.py",
    ),
    Bug("the lease is dropped", "git/transfer.py", "        *leases,\n", "", "replicas/test_remote.py"),
    Bug(
        "branch and state are not moved together",
        "git/transfer.py",
        '        "--atomic",\n',
        "",
        "replicas/test_remote.py",
    ),
    Bug(
        "a push's exit code is trusted",
        "replicas/remote_refs.py",
        "        if arrived(updates, listed):",
        "        if pushed.code == 0:",
        "replicas/test_remote.py",
    ),
    Bug(
        "a session's objects are fetched unchecked",
        "replicas/remote_refs.py",
        "                checked=True,\n",
        "",
        "replicas/test_remote.py",
    ),
    Bug(
        "a vault's objects are read unchecked",
        "replicas/recovery.py",
        "target, checked=True)",
        "target, checked=False)",
        "security/test_hostile_places.py",
    ),
    Bug(
        "a vault's file is not compared with its name",
        "replicas/recovery.py",
        "        return got == sha256\n",
        "        return not isinstance(got, StorageError)\n",
        "replicas/test_vault.py",
    ),
    Bug(
        "a pipe in the vault is waited for",
        "replicas/mount_worker.py",
        " | os.O_NONBLOCK",
        "",
        "security/test_hostile_places.py::test_a_pipe_and_a_link_in_the_vault_are_not_waited_for",
    ),
    Bug(
        "what was written to the vault is not read back",
        "replicas/mount_worker.py",
        "    if _hash(file) != sha256:",
        "    if not sha256:",
        "replicas/test_mount.py",
    ),
    Bug(
        "a restore follows a link",
        "snapshot/worktree.py",
        "_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC",
        "_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC",
        "snapshot/test_restore.py",
    ),
    Bug(
        "a restore writes names that git takes for its own",
        "snapshot/restore.py",
        "reason = names.refusal(change.path, symlink=change.new_mode == trees.LINK)",
        "reason = None",
        "snapshot/test_restore.py",
    ),
    Bug(
        "a rebase's commands come back without consent",
        "snapshot/state/checks.py",
        '    return consent(f"The stopped rebase has a line',
        '    return True or consent(f"The stopped rebase has a line',
        "snapshot/test_state_hostile.py",
    ),
    Bug(
        "a state may hold any file of the git directory",
        "snapshot/state/operations.py",
        '            raise damaged(f"{name!r:.80} is no file of an operation")',
        "            continue",
        "snapshot/test_state_hostile.py",
    ),
    Bug(
        "a ticket opens twice",
        "editor/tickets.py",
        "self._expiry.pop(_digest(ticket), None)",
        "self._expiry.get(_digest(ticket))",
        "editor/test_tickets.py",
    ),
    Bug(
        "a cookie's signature is not looked at",
        "editor/tickets.py",
        "return genuine and 0 <=",
        "return 0 <=",
        "editor/test_tickets.py",
    ),
    Bug(
        "the agent's socket is open to everybody",
        "agent/control.py",
        "self._path.chmod(0o600)",
        "self._path.chmod(0o666)",
        "agent/test_control.py",
    ),
    Bug(
        "temporary names can be guessed",
        "files.py",
        "{TEMPORARY_PREFIX}{secrets.token_hex(8)}",
        "{TEMPORARY_PREFIX}{beside.name}",
        "test_files.py",
    ),
    Bug(
        "what a session is started with inherits the token",
        "run.py",
        "env=clean_environment()",
        "env=__import__('os').environ",
        "security/test_canary.py::test_no_secret_is_where_it_may_not_be",
    ),
    Bug(
        "what the guard finds is pushed all the same",
        "agent/shipments.py",
        "            raise MayNotLeave(findings)",
        "            pass",
        "security/test_canary.py::test_no_secret_is_where_it_may_not_be",
    ),
    Bug(
        "a push is forgotten when its reply is lost",
        "replicas/remote.py",
        '        self._ledger.note({f"tried-{name}": oid for name, oid in wanted.items()})\n',
        "",
        "faults/test_network.py::test_whatever_happens_on_the_way_the_next_try_makes_it_good",
    ),
    Bug(
        "a remote that does not answer is asked every second",
        "agent/decide.py",
        "FIRST_RETRY * 2.0 ** min(failures - 1, 16)",
        "FIRST_RETRY",
        "faults/test_network.py::test_an_hour_without_github_costs_few_tries_and_the_next_is_near",
    ),
    Bug(
        "a torn newest file hides all that its machine stored",
        "replicas/recovery.py",
        "    if any(torn.values()):",
        "    if False:",
        "faults/test_vault.py::test_whatever_request_fails_what_was_acknowledged_comes_back",
    ),
    Bug(
        "a delta may unpack to any size",
        "git/transfer.py",
        '{"GIT_ALLOC_LIMIT": "600m"}',
        "{}",
        "security/test_bombs.py::test_a_delta_that_unpacks_to_gigabytes_is_refused",
    ),
    Bug(
        "a tree of endless files is restored",
        "snapshot/restore.py",
        "        restoring.check_extent(commit, base)",
        "        pass",
        "security/test_bombs.py::test_a_tree_that_never_ends_is_refused",
    ),
    Bug(
        "what was not shipped is acknowledged",
        "agent/lane.py",
        "            acknowledged = replica.ship(shipment)",
        "            acknowledged = Acknowledgement(\n"
        "                shipment.snapshot, shipment.number, shipment.state, Level.SAFE\n"
        "            )",
        "test_kills.py::test_no_acknowledged_snapshot_is_lost",
    ),
    Bug(
        "what could not be checked is never looked at again",
        "agent/taking.py",
        "            self.parts.marks.mark(unchecked(self.parts.saver, self.parts.shipments))\n",
        "",
        "faults/test_machine.py::test_what_could_not_be_read_for_secrets_leaves_by_itself_once_it_can_be",
    ),
    Bug(
        "a file is left open at each turn of the agent",
        "agent/service.py",
        "            self._woken.clear()\n",
        '            self._woken.clear()\n            __import__("os").open("/dev/null", 0)\n',
        "test_soak.py",
    ),
    Bug(
        "an error's foreign words are said as they came",
        "errors.py",
        "inert_lines(line) for line",
        "line for line",
        "security/test_inert.py::test_nothing_acts_on_a_terminal",
    ),
    Bug(
        "prune removes a content that was stored again meanwhile",
        "replicas/held.py",
        'pairs = [(self._condemned(sha256), f"{self._path(sha256)}{GONE}")',
        'pairs = [(self._path(sha256), f"{self._path(sha256)}{GONE}")',
        "replicas/test_vault.py::test_content_that_is_needed_again_while_it_is_removed_stays",
    ),
    Bug(
        "a lead that nobody confirms is called one for ever",
        "replicas/lease.py",
        "now - self.confirmed <= UNCONFIRMED_AFTER",
        "now >= self.confirmed",
        "replicas/test_lease.py",
    ),
    Bug(
        "many sessions of a repository push as often as one",
        "agent/decide.py",
        "SHIP_INTERVAL * max(1, sessions)",
        "SHIP_INTERVAL",
        "agent/test_decide.py",
    ),
    Bug(
        "a stash stays behind",
        "snapshot/state/gathering.py",
        'if "refs/stash" not in everything:',
        "if True:",
        "snapshot/test_state.py",
    ),
    Bug(
        "the session with the most snapshots is taken for the newest",
        "resume/plan.py",
        "key=lambda line: (line.counter, line.number, line.session.name)",
        "key=lambda line: (line.number, line.counter, line.session.name)",
        "resume/test_plan.py",
    ),
    Bug(
        "a report shows invisible characters as they are",
        "review/escape.py",
        "_INVISIBLE.sub(_named, ",
        "str(",
        "security/test_inert.py::test_nothing_acts_on_a_page",
    ),
    Bug(
        "a kept file whose time lies ahead is never stored",
        "agent/holding.py",
        "return not 0 <= time.time() - mtime / 1e9 < SETTLED",
        "return time.time() - mtime / 1e9 >= SETTLED",
        "faults/test_machine.py::test_a_clock_that_jumps_stops_nothing",
    ),
    Bug(
        "a state is believed before all its contents are looked for",
        "replicas/recovery.py",
        "if not is_complete(self.repository, state, beyond_refs=True):",
        "if False:",
        "replicas/test_vault.py",
    ),
    Bug(
        "a state that does not read is taken",
        "replicas/recovery.py",
        "return self.flaw(self.repository, state)",
        'return ""',
        "security/test_damaged_state.py",
    ),
    Bug(
        "Drive is not left at a session's end",
        "proposal/finish.py",
        "_leave_storage(ground, runtime, unmount=unmount)",
        "_leave_storage(ground, runtime, unmount=False)",
        "runtime/test_detect.py",
    ),
    Bug(
        "whatever lies in the vault as the editor is run",
        "editor/sources.py",
        "if not pinned.is_genuine(target.staging, target.machine, self.trees):",
        "if False:",
        "editor/test_install.py",
    ),
    Bug(
        "saved settings that name programs come back from the vault",
        "editor/settings.py",
        "        content, left = harmless(content, DEFAULTS)\n",
        "        pass\n",
        "editor/test_carried.py",
    ),
    Bug(
        "an extension may be a file that lies where the agent stands",
        "editor/settings.py",
        ' and not name.lower().endswith(".vsix")',
        "",
        "editor/test_carried.py",
    ),
    Bug(
        "a package of code-server is not compared with its hash",
        "editor/registry.py",
        "    if _integrity(tarball) != INTEGRITY[name]:",
        "    if not _integrity(tarball):",
        "editor/test_errors.py::test_a_package_that_is_not_what_was_pinned",
    ),
    Bug(
        "a secret in a file's own name leaves",
        "agent/permission.py",
        'return "" if secret is None or self._is_allowed(path) else',
        'return "" if self is not None else',
        "agent/test_refusals_words.py::test_a_secret_in_a_files_name_stays_here",
    ),
    Bug(
        "commit --push goes past the guard",
        "agent/committing.py",
        "    refuse(shipments.shadow.repository, shipments.guard, made, known)\n",
        "",
        "agent/test_service.py::test_what_may_not_leave_stops_the_push_of_a_commit",
    ),
    Bug(
        "a forged history in the vault may lack contents",
        "git/bundle.py",
        'if checked else "--check-self-contained-and-connected"',
        'if checked else "-v"',
        "security/test_hostile_vault.py",
    ),
)
