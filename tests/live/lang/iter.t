# Iterators: a program that runs once over all objects of a kind and then ends.

== iter:task meets every process
script:
    iter:task { if (ctx->task->pid == ctx->task->tgid) { @[ctx->task->comm] = count(); } }
    interval:ms:700 { exit(); }
oracle: no, an iterator must stand alone
match:
    ^@\[.*\]: \d+

== iter:task prints and ends by itself
script:
    iter:task { printf("%s:%d\n", ctx->task->comm, ctx->task->pid); }
check:
    tasks = dict(reversed(line.rsplit(':', 1)) for line in out.splitlines() if ':' in line)
    assert 'kthreadd' == tasks['2'], tasks
    assert len(tasks) > 5, tasks

== iter:task with a predicate
script:
    iter:task /ctx->task->pid == 2/ { printf("%s of %d\n", ctx->task->comm, ctx->task->real_parent->pid); }
match:
    ^kthreadd of 0$
check:
    assert out.count('kthreadd') == 1

== iter:task_file has descriptors and their files
command:
    exec 7</proc/version
    cat >x.bt <<'END'
    iter:task_file /ctx->task->pid == $1 && ctx->fd == 7/ {
    	printf("fd %d %s\n", ctx->fd, str(ctx->file->f_path.dentry->d_name.name));
    }
    END
    "$SONDE" run x.bt $$
match:
    ^fd 7 version$

== iter:task_file, the path by its function
oracle: no, path() is newer there
command:
    exec 7</proc/version
    cat >x.bt <<'END'
    iter:task_file /ctx->task->pid == $1 && ctx->fd == 7/ { printf("%s\n", path(ctx->file->f_path)); }
    END
    "$SONDE" run x.bt $$
match:
    ^/proc/version$

== iter:task_vma walks a process' memory
oracle: no, newer than 0.17
command:
    cat >x.bt <<'END'
    iter:task_vma /ctx->task->pid == $1/ { printf("%lx-%lx\n", ctx->vma->vm_start, ctx->vma->vm_end); }
    END
    "$SONDE" run x.bt $$ >vmas
    grep -v Attaching vmas
    echo == $(sed -n 's/ .*//p' /proc/$$/maps)
check:
    seen, there = out.split('==')
    seen, maps = ({tuple(int(x, 16) for x in w.split('-')) for w in t.split()} for t in (seen, there))
    both = seen & maps
    assert len(both) >= 5 and len(both) >= len(maps) - 4, (sorted(maps - seen), sorted(seen - maps))

== an iterator of something unknown
oracle: no, its own words
exit: 1
script:
    iter:tusk { printf("x\n"); }
stderr-match:
    tusk
