# Fish completion for the klog tools.  Names read from a disk are printed for
# fish to quote: nothing evaluates them.

# The value of -C, else KLOG_CLUSTER, else the default: the first directory of
# it that is there.
function __klog_cluster
    set -l dirs $KLOG_CLUSTER
    if test -z "$dirs"
        if test (id -u) = 0
            set dirs /var/lib/klog
        else if string match -q -- "/*" "$XDG_DATA_HOME"
            set dirs $XDG_DATA_HOME/klog
        else
            set dirs $HOME/.local/share/klog
        end
    end
    set -l next no
    for word in (commandline -opc)
        if test $next = yes
            set dirs $word
            set next no
            continue
        end
        switch $word
            case -C --cluster
                set next yes
            case '--cluster=*'
                set dirs (string replace -- --cluster= '' $word)
            case '-C*'
                set dirs (string replace -- -C '' $word)
        end
    end
    set dirs (string replace -r -- '^~(?=/|$)' $HOME "$dirs")
    for dir in (string split -- , $dirs)
        if test -d "$dir"
            printf '%s\n' $dir
            return
        end
    end
    return 1
end

# Legal names only, as the tools themselves would refuse others.
function __klog_topics
    set -l cluster (__klog_cluster)
    or return
    for path in $cluster/*/topic.yaml
        string match -r -- '/([A-Za-z0-9_-][A-Za-z0-9._-]*)/topic\.yaml$' $path
    end | string match -v -- '*/*'
end

# The groups of all topics, each once.
function __klog_groups
    set -l cluster (__klog_cluster)
    or return
    for path in $cluster/*/groups/*/
        string match -r -- '/([A-Za-z0-9_-][A-Za-z0-9._-]*)/$' $path
    end | string match -v -- '*/*' | sort -u
end

# A word with a slash is a path.
function __klog_operands
    if string match -q -- '*/*' (commandline -ct)
        __fish_complete_path (commandline -ct)
    else
        __klog_topics
    end
end

# Whether no operand stands before the cursor; the arguments are the options
# that take one of their own.
function __klog_first_operand
    set -l skip no
    for word in (commandline -opc)[2..]
        if test $skip = yes
            set skip no
        else if contains -- $word $argv
            set skip yes
        else if not string match -q -- '-?*' $word
            return 1
        end
    end
    return 0
end

# KEY= and then, where only some words are values, KEY=VALUE.
function __klog_settings
    set -l settings
    switch $argv[1]
        case topic
            set settings \
            'cleanup.policy=delete|compact|delete,compact' \
            'compression.type=uncompressed|gzip|snappy|lz4|zstd|producer' \
            compression.gzip.level= \
            compression.lz4.level= \
            compression.zstd.level= \
            delete.retention.ms= \
            file.delete.delay.ms= \
            flush.messages= \
            flush.ms= \
            index.interval.bytes= \
            max.compaction.lag.ms= \
            max.message.bytes= \
            message.timestamp.after.max.ms= \
            message.timestamp.before.max.ms= \
            'message.timestamp.type=CreateTime|LogAppendTime' \
            min.cleanable.dirty.ratio= \
            min.compaction.lag.ms= \
            min.insync.replicas= \
            'preallocate=true|false' \
            retention.bytes= \
            retention.groups= \
            retention.ms= \
            segment.bytes= \
            segment.index.bytes= \
            segment.jitter.ms= \
            segment.ms= \
            'unclean.leader.election.enable=true|false'
        case producer
            set settings \
            'compression.type=none|gzip|snappy|lz4|zstd' \
            compression.gzip.level= \
            compression.lz4.level= \
            compression.zstd.level= \
            flush.messages= \
            flush.ms= \
            'acks=all|1' \
            batch.size= \
            buffer.memory= \
            linger.ms= \
            'partitioner.ignore.keys=true|false'
        case consumer
            set settings \
            'auto.offset.reset=earliest|latest|none' \
            'isolation.level=read_committed|read_uncommitted' \
            'partition.assignment.strategy=range|roundrobin'
    end
    for setting in $settings
        set -l pair (string split -m 1 -- = $setting)
        if not string match -q -- '*=*' (string replace -- --setting= '' (commandline -ct))
            printf '%s=\n' $pair[1]
            continue
        end
        for value in (string split -n -- '|' $pair[2])
            printf '%s=%s\n' $pair[1] $value
        end
    end
end

# FROM.. and the words for TO.
function __klog_offsets
    set -l from (string match -r -- '^.*\.\.' (commandline -ct))
    for word in beginning earliest end latest max-timestamp
        printf '%s%s\n' "$from" $word
    end
end

for tool in klog-create klog-alter klog-delete klog-produce klog-consume klog-inspect klog-offsets klog-clean
    complete -c $tool -f
    complete -c $tool -s C -l cluster -xa '(__fish_complete_directories)' -d 'the cluster'
    complete -c $tool -s q -l quiet -d 'say less'
    complete -c $tool -s v -l verbose -d 'say more'
    complete -c $tool -l lock-timeout -x -d 'wait so long for a lock'
    complete -c $tool -s h -l help -d 'help'
    complete -c $tool -s V -l version -d 'version'
end

complete -c klog-create -s p -l partitions -x -d 'so many partitions'
complete -c klog-create -s r -l replicas -x -d 'so many replicas'
complete -c klog-create -l replica-assignment -x -d 'the broker of each partition'
complete -c klog-create -s X -l setting -xa '(__klog_settings topic)' -d 'a setting'
complete -c klog-create -l config -rF -d 'settings from a file'
complete -c klog-create -l mode -x -d 'mode of the directories'
complete -c klog-create -l owner-group -xa '(__fish_complete_groups)' -d 'group of the directories'
complete -c klog-create -l if-not-exists -d 'a topic that is there is fine'

complete -c klog-alter -a '(__klog_operands)'
complete -c klog-alter -s p -l partitions -x -d 'so many partitions'
complete -c klog-alter -s X -l setting -xa '(__klog_settings topic)' -d 'a setting'
complete -c klog-alter -l config -rF -d 'settings from a file'
complete -c klog-alter -l edit -d 'all settings, in an editor'

complete -c klog-delete -a '(__klog_operands)'
complete -c klog-delete -l if-exists -d 'a topic that is not there is fine'

complete -c klog-produce -n '__klog_first_operand -C --cluster --lock-timeout -p --partition -k --key -K --key-delimiter -H --header -D --delimiter -X --setting --acks -z --compression --linger --batch-size --on-error --on-full' -a '(__klog_operands)'
complete -c klog-produce -n 'not __klog_first_operand -C --cluster --lock-timeout -p --partition -k --key -K --key-delimiter -H --header -D --delimiter -X --setting --acks -z --compression --linger --batch-size --on-error --on-full' -F
complete -c klog-produce -s p -l partition -x -d 'to this partition'
complete -c klog-produce -s k -l key -x -d 'the key of all records'
complete -c klog-produce -s K -l key-delimiter -x -d 'a key before this in each line'
complete -c klog-produce -s H -l header -x -d 'a header for all records'
complete -c klog-produce -s D -l delimiter -x -d 'between records'
complete -c klog-produce -s 0 -l null-delimiter -d 'a zero byte between records'
complete -c klog-produce -s J -l json -d 'lines are JSON'
complete -c klog-produce -s Z -l null -d 'an empty value is a null'
complete -c klog-produce -s X -l setting -xa '(__klog_settings producer)' -d 'a setting'
complete -c klog-produce -l acks -xa 'all 1' -d 'whose disk counts'
complete -c klog-produce -s z -l compression -xa 'none gzip snappy lz4 zstd' -d 'codec'
complete -c klog-produce -s T -l tee -d 'copy input to output'
complete -c klog-produce -l linger -x -d 'wait for a batch to fill'
complete -c klog-produce -l batch-size -x -d 'append so many bytes at once'
complete -c klog-produce -l no-sync -d 'promise nothing beyond the process'
complete -c klog-produce -l on-error -xa 'stop skip' -d 'at a refused line'
complete -c klog-produce -l on-full -xa 'fail wait' -d 'when the disk is full'

complete -c klog-consume -a '(__klog_operands)'
complete -c klog-consume -s p -l partitions -x -d 'these partitions'
complete -c klog-consume -s o -l offset -xa '(__klog_offsets)' -d 'from this offset, or a range'
complete -c klog-consume -l since -xa 'now today yesterday' -d 'from this time'
complete -c klog-consume -l until -xa 'now today yesterday' -d 'to this time'
complete -c klog-consume -s c -l count -x -d 'so many records'
complete -c klog-consume -s n -l tail -x -d 'the newest records'
complete -c klog-consume -s f -l follow -d 'wait for records yet to come'
complete -c klog-consume -l idle-timeout -x -d 'end when nothing came so long'
complete -c klog-consume -l synced -d 'nothing past the recovery point'
complete -c klog-consume -l merge -d 'in order of timestamp'
complete -c klog-consume -s J -l json -d 'as JSON'
complete -c klog-consume -s F -l format -x -d 'how a record is printed'
complete -c klog-consume -s K -l key-delimiter -x -d 'print key, this, value'
complete -c klog-consume -s D -l delimiter -x -d 'after each record'
complete -c klog-consume -s 0 -l null-delimiter -d 'a zero byte after each record'
complete -c klog-consume -s Z -l null -d 'print a null as NULL'
complete -c klog-consume -s X -l setting -xa '(__klog_settings consumer)' -d 'a setting'
complete -c klog-consume -s g -l group -xa '(__klog_groups)' -d 'as a member of this group'
complete -c klog-consume -l batch -x -d 'so many records a run of COMMAND'
complete -c klog-consume -l retries -x -d 'run it again so often'
complete -c klog-consume -l retry-backoff -x -d 'wait before that'
complete -c klog-consume -l command-timeout -x -d 'end a run that takes longer'
complete -c klog-consume -l dead-letter -xa '(__klog_topics)' -d 'what fails for good goes there'

complete -c klog-inspect -s J -l json -d 'as JSON'
complete -c klog-inspect -l segments -d 'list segments'
complete -c klog-inspect -l batches -d 'list batches'
complete -c klog-inspect -l records -d 'list records, control records too'
complete -c klog-inspect -l bytes -x -d 'show each byte of the batch at OFFSET'
complete -c klog-inspect -l timeline -d 'draw records and bytes over time'
complete -c klog-inspect -l verify -d 'look at every byte'
complete -c klog-inspect -l repair -d 'make anew what is derived, cut a damaged end'
complete -c klog-inspect -l dry-run -d 'say what --repair would do'
complete -c klog-inspect -a '(__klog_operands)'

complete -c klog-offsets -a '(__klog_operands)'
complete -c klog-offsets -s g -l group -xa '(__klog_groups)' -d 'what this group has committed'
complete -c klog-offsets -l at -xa 'beginning earliest end latest max-timestamp now today yesterday' -d 'the offset that this stands for'
complete -c klog-offsets -l groups -d 'list the groups'
complete -c klog-offsets -l reset -xa 'beginning earliest end latest max-timestamp current' -d 'the group goes on from there'
complete -c klog-offsets -l shift -x -d 'the group goes on so many records later'
complete -c klog-offsets -l reset-from -rF -d 'offsets as CSV'
complete -c klog-offsets -l undo -d 'take back what was last done by hand'
complete -c klog-offsets -l delete -d 'the group has committed nothing'
complete -c klog-offsets -l dry-run -d 'only print what would be set'
complete -c klog-offsets -l prometheus -d 'print metrics'
complete -c klog-offsets -l output -rF -d 'metrics into this file'
complete -c klog-offsets -l check -d 'say whether the lag is too large'
complete -c klog-offsets -l warn -x -d 'a lag above it is a warning'
complete -c klog-offsets -l crit -x -d 'a lag above it is critical'
complete -c klog-offsets -s J -l json -d 'as JSON'

complete -c klog-clean -a '(__klog_operands)'
complete -c klog-clean -l dry-run -d 'change nothing, print what would go'
complete -c klog-clean -l explain -d 'change nothing, print why'
complete -c klog-clean -l before -xa 'end latest @now @today @yesterday' -d 'remove what lies before'
complete -c klog-clean -l min-free -x -d 'keep so much of the disk free'
complete -c klog-clean -l buffer -x -d 'memory for the keys'
complete -c klog-clean -s J -l json -d 'as JSON'
