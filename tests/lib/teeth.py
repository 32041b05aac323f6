# SPDX-License-Identifier: GPL-2.0-only
"""Defects to plant in a copy of the tree, to see that tests/endure finds them. None is ever in the tree itself."""

import filecmp
import os
import shutil
import subprocess
from dataclasses import dataclass


class ToothError(Exception):
    """A defect no longer fits the source."""


@dataclass(frozen=True)
class Defect:
    """One edit: `old`, which is there exactly once, becomes `new` in the file at `path`."""

    name: str
    path: str
    old: str
    new: str

    def plant(self, tree):
        """Makes the edit in this copy of the tree; returns the text that was there."""
        path = os.path.join(tree, self.path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if text.count(self.old) != 1:
            raise ToothError(f"{self.name}: the text to replace is {text.count(self.old)} times in {self.path}; "
                             "change the defect in tests/lib/teeth.py")
        write(path, text.replace(self.old, self.new))
        return text

    def remove(self, tree, text):
        write(os.path.join(tree, self.path), text)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def mirror(top, copy):
    """Copies the files that git knows; what is the same keeps its time, so that make builds only what changed."""
    listed = subprocess.run(["git", "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        source, target = os.path.join(top, name), os.path.join(copy, name)
        if not os.path.isfile(source) or os.path.islink(source):
            continue
        if not os.path.exists(target) or not filecmp.cmp(source, target, shallow=False):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)
        shutil.copymode(source, target)


DEFECTS = (
    # The driver
    Defect("a lost wake-up", "driver/xact.c",
           "\t\t\t     x->view.body_len);\n\twake_service(x);\n}", "\t\t\t     x->view.body_len);\n}"),
    Defect("a request that a dying daemon had is forgotten", "driver/fsm.c",
           "[KVP_EV_DETACH]\t\t= { KVP_ST_QUEUED,\tKVP_ACT_REDELIVER },",
           "[KVP_EV_DETACH]\t\t= { KVP_ST_IDLE,\tKVP_ACT_NOTHING },"),
    Defect("an expired request is answered with success", "driver/xact.c",
           "answer(x, HVKVP_E_FAIL);", "answer(x, HVKVP_S_OK);"),
    Defect("a negotiation does not withdraw the request before it", "driver/xact.c",
           "if (view.verdict == KVP_IC_NEGOTIATE)\n\t\t\tact(x, KVP_EV_CANCEL);",
           "if (view.verdict == KVP_IC_NEGOTIATE && view.body_len > 1000)\n\t\t\tact(x, KVP_EV_CANCEL);"),
    Defect("old bytes behind a short body", "driver/ic.c",
           "memset(pkt->body + view->sent_len, 0, view->body_len - view->sent_len);", "(void)pkt;"),
    Defect("a leaked page for each request", "driver/xact.c",
           "\tx->counters[KVP_CNT_REQUESTS]++;\n",
           "\tx->counters[KVP_CNT_REQUESTS]++;\n\tif (!kmalloc(PAGE_SIZE, GFP_ATOMIC))\n\t\treturn;\n"),
    Defect("withdrawn requests are not counted", "driver/xact.c",
           "end_request(x, -ECANCELED);\n\t\t\tx->counters[KVP_CNT_WITHDRAWN]++;",
           "end_request(x, -ECANCELED);"),
    Defect("KVP 5.0 is picked when 4.0 is asked for", "driver/ic.c",
           "if (known[i].major > max)\n\t\t\tcontinue;",
           "if (known[i].major > max)\n\t\t\tcontinue;\n\t\tif (known[i].major == 5) {\n"
           "\t\t\t*picked = known[i];\n\t\t\treturn true;\n\t\t}"),
    # The daemon's store
    Defect("a missing fsync of the journal", "daemon/pool/journal.c",
           "\t\terr = write_first(journal, entry);\n\treturn err ? err : sync_journal(journal);",
           "\t\terr = write_first(journal, entry);\n\treturn err;"),
    Defect("a missing fsync at the checkpoint", "daemon/pool/journal.c",
           "\terr = pool_file_sync(journal->file);\n\treturn err ? err : empty(journal);",
           "\terr = 0;\n\treturn err ? err : empty(journal);"),
    Defect("no replay after a crash", "daemon/pool/replay.c",
           "\tif (made >= run->count)\n\t\treturn 0;", "\tif (made >= run->count || run->count)\n\t\treturn 0;"),
    Defect("a sum of the journal is not checked", "daemon/pool/replay.c",
           "if (sum == journal_sum(JOURNAL_SUM_START, entry, entry->len) && slots_valid(entry))",
           "if ((sum == journal_sum(JOURNAL_SUM_START, entry, entry->len) || sum) && slots_valid(entry))"),
    Defect("a stale index after a change of another program", "daemon/pool/file.c",
           "\t       same_time(&a->mtime, &b->mtime) &&\n\t       (a->expected || b->expected || "
           "same_time(&a->ctime, &b->ctime));",
           "\t       (a->size || same_time(&a->mtime, &b->mtime)) &&\n\t       (a->expected || b->expected || a->size || "
           "same_time(&a->ctime, &b->ctime));"),
    Defect("a file that replaced another one during the wait for its lock is not noticed", "daemon/pool/file.c",
           "return file->fd >= 0 && !lstat(file->path, &here) &&\n\t       here.st_ino == file->ino &&",
           "return file->fd >= 0 && !lstat(file->path, &here) &&\n\t       (here.st_ino == file->ino || file->ino) &&"),
    Defect("what could not be written is not rolled back", "daemon/pool/commit.c",
           "\tint err = begun ? roll_back(&pool->file, change) : 0;", "\tint err = begun && !change->count ? roll_back(&pool->file, change) : 0;"),
    Defect("a deletion shifts the wrong pair", "daemon/pool/pool.c",
           "&span[plan->moves[i].from - first] : NULL);", "&span[i] : NULL);"),
    Defect("bytes of an older value behind a shorter one", "daemon/pool/pool.c",
           "\tstruct pool_record record = { 0 };\n\tint err = pool_check_pair(pool, key, value);\n\n\tif (err)\n"
           "\t\treturn err;\n\tmemcpy(record.key, key, strlen(key));\n\tmemcpy(record.value, value, strlen(value));",
           "\tstatic struct pool_record record;\n\tint err = pool_check_pair(pool, key, value);\n\n\tif (err)\n"
           "\t\treturn err;\n\tmemset(record.key, 0, sizeof(record.key));\n\tmemcpy(record.key, key, strlen(key));\n"
           "\tmemcpy(record.value, value, strlen(value) + 1);"),
    Defect("the deletion of a key that is not there succeeds", "daemon/pool/pool.c",
           "pool_index_last(&pool->index, key) == POOL_NONE)\n\t\treturn -ENOENT;",
           "pool_index_last(&pool->index, key) == POOL_NONE)\n\t\treturn 0;"),
    Defect("keys in one bucket that begin alike are one", "daemon/pool/index.c",
           "(index->pairs[number].hash != hash ||\n\t\t\t\t       strcmp(index->pairs[number].key, key)))",
           "hash &&\n\t       strncmp(index->pairs[number].key, key, 3))"),
    Defect("a leaked descriptor", "daemon/pool/file.c",
           "\tclock_gettime(CLOCK_REALTIME_COARSE, &stamp->taken);\n\tif (fstat(file->fd, &st))\n\t\treturn fail_errno",
           "\tclock_gettime(CLOCK_REALTIME_COARSE, &stamp->taken);\n\tif (dup(file->fd) < 0 || fstat(file->fd, &st))\n"
           "\t\treturn fail_errno"),
    Defect("the change of a clock's tick is taken for certain", "daemon/pool/file.c",
           "\tif (stamp->unique || !stamp->ino)\n\t\treturn true;", "\tif (stamp->unique || stamp->dev)\n\t\treturn true;"),
    # The daemon's codecs and dispatch
    Defect("a value of 1,023 units is refused", "daemon/wire/value.c",
           "if (units > room / 2 - 1)", "if (units >= room / 2 - 1)"),
    Defect("the last unit of a full-length text is cut", "daemon/wire/value.c",
           "utf8_prefix_to_utf16le(text, strlen(text), out, room - 2)",
           "utf8_prefix_to_utf16le(text, strlen(text), out, room - 4)"),
    Defect("a QWORD loses its upper half", "daemon/wire/value.c",
           "number = wire_get_le32(in) | (uint64_t)wire_get_le32(in + 4) << 32;", "number = wire_get_le32(in);"),
    Defect("the first pair is never enumerated", "daemon/pool/pool.c",
           "err = pool_index_at(&pool->index, index, &number);",
           "err = pool_index_at(&pool->index, index ? index : 1, &number);"),
    Defect("memory of each change is not freed", "daemon/pool/journal.c",
           "free_entry:\n\tfree(entry);\n\treturn err;", "free_entry:\n\treturn err;"),
    Defect("a change is made beyond its deadline", "daemon/hvkvpd/dispatch.c",
           "call.pool->until_ns = request->deadline_ns;\n\t\tcall.pool->confirm = request->confirm;",
           "call.pool->confirm = NULL;"),
    Defect("GET_IP has both families, whichever is asked for", "daemon/ip/get.c",
           "\t\tif (families & ip_family_bit(family))\n", "\t\tif (families)\n"),
    # The command
    Defect("hvkvp list leaves the last pair out", "daemon/hvkvp/pairs.c",
           "\t     i = pool_index_next(index, i))\n\t\tif (pool_index_value(index, i))\n\t\t\tlist_pair(",
           "\t     i = pool_index_next(index, i))\n\t\tif (pool_index_value(index, i) &&\n"
           "\t\t    pool_index_next(index, i) != POOL_NONE)\n\t\t\tlist_pair("),
)
