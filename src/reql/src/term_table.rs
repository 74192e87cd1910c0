//! The table of terms. One line per term: variant, number, protocol name, method name,
//! arity, optional arguments, determinism, effect, signature, documentation.

use crate::term::{Arity, Determinism, Effect, Family, TermInfo, terms};

terms! {
    Value {
        Datum = 1, "DATUM", "datum", exactly(1), [], ALWAYS, Read, "r.expr(value) -> value", "A literal value, already evaluated.";
        MakeArray = 2, "MAKE_ARRAY", "array", at_least(0), [], ALWAYS, Read, "[value, ...] -> array", "Builds an array of its arguments.";
        MakeObj = 3, "MAKE_OBJ", "object", exactly(0), [], ALWAYS, Read, "{name: value, ...} -> object", "Builds an object of its optional arguments.";
        Binary = 155, "BINARY", "binary", exactly(1), [], ALWAYS, Read, "r.binary(string) -> binary", "Turns a string into binary data.";
        Minval = 180, "MINVAL", "minval", exactly(0), [], ALWAYS, Read, "r.minval -> minval", "The value below every other value.";
        Maxval = 181, "MAXVAL", "maxval", exactly(0), [], ALWAYS, Read, "r.maxval -> maxval", "The value above every other value.";
    }
    Function {
        Var = 10, "VAR", "var", exactly(1), [], ALWAYS, Read, "name -> value", "The value of a function parameter, by number.";
        ImplicitVar = 13, "IMPLICIT_VAR", "row", exactly(0), [], ALWAYS, Read, "r.row -> value", "The parameter of the enclosing one-parameter function.";
        Func = 69, "FUNC", "function", exactly(2), [], ALWAYS, Read, "name => expression -> function", "A function: the numbers of its parameters and its body.";
        Funcall = 64, "FUNCALL", "do", at_least(1), ["_SHORTCUT_"], ALWAYS, Read, "value.do(value, ..., function) -> value", "Calls a function with the given arguments.";
        Javascript = 11, "JAVASCRIPT", "js", exactly(1), ["timeout"], NEVER, Read, "r.js(string) -> value", "Evaluates JavaScript to a value or a function.";
        Args = 154, "ARGS", "args", exactly(1), [], ALWAYS, Read, "r.args(array) -> arguments", "Spreads an array into the arguments of the enclosing term.";
    }
    Control {
        Branch = 65, "BRANCH", "branch", at_least(3), [], ALWAYS, Read, "r.branch(test, value, ..., value) -> value", "The value after the first condition that is true, else the last one.";
        Or = 66, "OR", "or", at_least(0), [], ALWAYS, Read, "value.or(value, ...) -> value", "The first argument that counts as true, else the last one.";
        And = 67, "AND", "and", at_least(0), [], ALWAYS, Read, "value.and(value, ...) -> value", "The first argument that counts as false, else the last one.";
        Not = 23, "NOT", "not", exactly(1), [], ALWAYS, Read, "value.not() -> bool", "Logical negation.";
        Default = 92, "DEFAULT", "default", exactly(2), [], ALWAYS, Read, "value.default(value) -> value", "A replacement for a missing value or a null.";
        Error = 12, "ERROR", "error", between(0, 1), [], ALWAYS, Read, "r.error(message?) -> error", "Fails with the given message; without one, passes the caught error on.";
        ForEach = 68, "FOR_EACH", "forEach", exactly(2), [], NEVER, Read, "sequence.forEach(function) -> object", "Runs a write for each element of a sequence.";
        TypeOf = 52, "TYPE_OF", "typeOf", exactly(1), [], ALWAYS, Read, "value.typeOf() -> string", "The name of the type of a value.";
        CoerceTo = 51, "COERCE_TO", "coerceTo", exactly(2), [], ALWAYS, Read, "value.coerceTo(typeName) -> value", "Converts a value to another type.";
        Info = 79, "INFO", "info", exactly(1), [], ALWAYS, Read, "value.info() -> object", "Describes a value: its type, its table, its indexes.";
    }
    Comparison {
        Eq = 17, "EQ", "eq", at_least(1), [], ALWAYS, Read, "value.eq(value, ...) -> bool", "True when all arguments are equal.";
        Ne = 18, "NE", "ne", at_least(1), [], ALWAYS, Read, "value.ne(value, ...) -> bool", "True when not all arguments are equal.";
        Lt = 19, "LT", "lt", at_least(1), [], ALWAYS, Read, "value.lt(value, ...) -> bool", "True when each argument is below the next.";
        Le = 20, "LE", "le", at_least(1), [], ALWAYS, Read, "value.le(value, ...) -> bool", "True when no argument is above the next.";
        Gt = 21, "GT", "gt", at_least(1), [], ALWAYS, Read, "value.gt(value, ...) -> bool", "True when each argument is above the next.";
        Ge = 22, "GE", "ge", at_least(1), [], ALWAYS, Read, "value.ge(value, ...) -> bool", "True when no argument is below the next.";
    }
    Arithmetic {
        Add = 24, "ADD", "add", at_least(1), [], ALWAYS, Read, "value.add(value, ...) -> value", "Sum of numbers; concatenation of strings or arrays; time plus seconds.";
        Sub = 25, "SUB", "sub", at_least(1), [], ALWAYS, Read, "value.sub(value, ...) -> value", "Difference of numbers or times.";
        Mul = 26, "MUL", "mul", at_least(1), [], ALWAYS, Read, "value.mul(value, ...) -> value", "Product of numbers; repetition of an array.";
        Div = 27, "DIV", "div", at_least(1), [], ALWAYS, Read, "number.div(number, ...) -> number", "Quotient of numbers.";
        Mod = 28, "MOD", "mod", exactly(2), [], ALWAYS, Read, "number.mod(number) -> number", "Remainder of a division of integers.";
        Floor = 183, "FLOOR", "floor", exactly(1), [], ALWAYS, Read, "number.floor() -> number", "The largest integer that is not above a number.";
        Ceil = 184, "CEIL", "ceil", exactly(1), [], ALWAYS, Read, "number.ceil() -> number", "The smallest integer that is not below a number.";
        Round = 185, "ROUND", "round", exactly(1), [], ALWAYS, Read, "number.round() -> number", "The integer nearest to a number.";
        BitAnd = 191, "BIT_AND", "bitAnd", at_least(1), [], ALWAYS, Read, "number.bitAnd(number, ...) -> number", "Bitwise and of integers.";
        BitOr = 192, "BIT_OR", "bitOr", at_least(1), [], ALWAYS, Read, "number.bitOr(number, ...) -> number", "Bitwise or of integers.";
        BitXor = 193, "BIT_XOR", "bitXor", at_least(1), [], ALWAYS, Read, "number.bitXor(number, ...) -> number", "Bitwise exclusive or of integers.";
        BitNot = 194, "BIT_NOT", "bitNot", exactly(1), [], ALWAYS, Read, "number.bitNot() -> number", "Bitwise complement of an integer.";
        BitSal = 195, "BIT_SAL", "bitSal", at_least(1), [], ALWAYS, Read, "number.bitSal(number, ...) -> number", "Shifts an integer to the left.";
        BitSar = 196, "BIT_SAR", "bitSar", at_least(1), [], ALWAYS, Read, "number.bitSar(number, ...) -> number", "Shifts an integer to the right, keeping its sign.";
        Random = 151, "RANDOM", "random", between(0, 2), ["float"], NEVER, Read, "r.random(number?, number?) -> number", "A random number, optionally within bounds.";
    }
    Database {
        Db = 14, "DB", "db", exactly(1), [], NEVER, Read, "r.db(name) -> database", "A database by name.";
        DbCreate = 57, "DB_CREATE", "dbCreate", exactly(1), [], NEVER, Write, "r.dbCreate(name) -> object", "Creates a database.";
        DbDrop = 58, "DB_DROP", "dbDrop", exactly(1), [], NEVER, Write, "r.dbDrop(name) -> object", "Drops a database and its tables.";
        DbList = 59, "DB_LIST", "dbList", exactly(0), [], NEVER, Read, "r.dbList() -> array", "The names of all databases.";
        TableCreate = 60, "TABLE_CREATE", "tableCreate", between(1, 2), ["primary_key", "shards", "replicas", "nonvoting_replica_tags", "primary_replica_tag", "durability", "ttl"], NEVER, Write, "database.tableCreate(name) -> object", "Creates a table.";
        TableDrop = 61, "TABLE_DROP", "tableDrop", between(1, 2), [], NEVER, Write, "database.tableDrop(name) -> object", "Drops a table and its documents.";
        TableList = 62, "TABLE_LIST", "tableList", between(0, 1), [], NEVER, Read, "database.tableList() -> array", "The names of the tables of a database.";
        Config = 174, "CONFIG", "config", exactly(1), [], NEVER, Read, "table.config() -> object", "The configuration document of a table or database.";
        Status = 175, "STATUS", "status", exactly(1), [], NEVER, Read, "table.status() -> object", "The status document of a table.";
        Wait = 177, "WAIT", "wait", between(0, 1), ["timeout", "wait_for"], NEVER, Write, "table.wait() -> object", "Waits until tables are ready.";
        Reconfigure = 176, "RECONFIGURE", "reconfigure", between(0, 1), ["dry_run", "emergency_repair", "nonvoting_replica_tags", "primary_replica_tag", "replicas", "shards"], NEVER, Write, "table.reconfigure() -> object", "Changes shards and replicas of tables.";
        Rebalance = 179, "REBALANCE", "rebalance", between(0, 1), [], NEVER, Write, "table.rebalance() -> object", "Spreads the documents of tables evenly over their shards.";
        Sync = 138, "SYNC", "sync", exactly(1), [], NEVER, Write, "table.sync() -> object", "Makes the soft writes of a table durable.";
        Grant = 188, "GRANT", "grant", between(2, 3), [], NEVER, Write, "table.grant(user, permissions) -> object", "Grants or revokes permissions of a user.";
        SetWriteHook = 189, "SET_WRITE_HOOK", "setWriteHook", exactly(2), [], NEVER, Write, "table.setWriteHook(function) -> object", "Sets or clears the write hook of a table.";
        GetWriteHook = 190, "GET_WRITE_HOOK", "getWriteHook", exactly(1), [], NEVER, Read, "table.getWriteHook() -> object", "The write hook of a table.";
    }
    Index {
        IndexCreate = 75, "INDEX_CREATE", "indexCreate", between(2, 3), ["multi", "geo", "unique"], NEVER, Write, "table.indexCreate(name, function?) -> object", "Creates a secondary index.";
        IndexDrop = 76, "INDEX_DROP", "indexDrop", exactly(2), [], NEVER, Write, "table.indexDrop(name) -> object", "Drops a secondary index.";
        IndexList = 77, "INDEX_LIST", "indexList", exactly(1), [], NEVER, Read, "table.indexList() -> array", "The names of the indexes of a table.";
        IndexStatus = 139, "INDEX_STATUS", "indexStatus", at_least(1), [], NEVER, Read, "table.indexStatus(name, ...) -> array", "The status of indexes.";
        IndexWait = 140, "INDEX_WAIT", "indexWait", at_least(1), [], NEVER, Write, "table.indexWait(name, ...) -> array", "Waits until indexes are ready.";
        IndexRename = 156, "INDEX_RENAME", "indexRename", exactly(3), ["overwrite"], NEVER, Write, "table.indexRename(name, name) -> object", "Renames an index.";
    }
    Selection {
        Table = 15, "TABLE", "table", between(1, 2), ["use_outdated", "read_mode", "identifier_format"], NEVER, Read, "database.table(name) -> table", "A table by name.";
        Get = 16, "GET", "get", exactly(2), [], ALWAYS, Read, "table.get(key) -> document", "The document with a primary key.";
        GetAll = 78, "GET_ALL", "getAll", at_least(1), ["index"], ALWAYS, Read, "table.getAll(key, ...) -> selection", "The documents with any of the given keys.";
        BetweenDeprecated = 36, "BETWEEN_DEPRECATED", "betweenDeprecated", exactly(3), ["index", "left_bound", "right_bound"], ALWAYS, Read, "table.betweenDeprecated(lower, upper) -> selection", "Documents between two keys, where null means unbounded.";
        Between = 182, "BETWEEN", "between", exactly(3), ["index", "left_bound", "right_bound"], ALWAYS, Read, "table.between(lower, upper) -> selection", "The documents between two keys.";
        Filter = 39, "FILTER", "filter", exactly(2), ["default"], ALWAYS, Read, "sequence.filter(predicate) -> sequence", "The elements for which a predicate holds.";
    }
    Write {
        Insert = 56, "INSERT", "insert", exactly(2), ["conflict", "durability", "return_vals", "return_changes", "ignore_write_hook"], NEVER, Write, "table.insert(document) -> object", "Inserts documents into a table.";
        Update = 53, "UPDATE", "update", exactly(2), ["non_atomic", "durability", "return_vals", "return_changes", "ignore_write_hook"], NEVER, Write, "selection.update(change) -> object", "Merges changes into documents.";
        Replace = 55, "REPLACE", "replace", exactly(2), ["non_atomic", "durability", "return_vals", "return_changes", "ignore_write_hook"], NEVER, Write, "selection.replace(document) -> object", "Replaces documents.";
        Delete = 54, "DELETE", "delete", exactly(1), ["durability", "return_vals", "return_changes", "ignore_write_hook"], NEVER, Write, "selection.delete() -> object", "Deletes documents.";
    }
    Transformation {
        Map = 38, "MAP", "map", at_least(2), [], ALWAYS, Read, "sequence.map(sequence, ..., function) -> sequence", "Applies a function to the elements of one or more sequences.";
        ConcatMap = 40, "CONCAT_MAP", "concatMap", exactly(2), [], ALWAYS, Read, "sequence.concatMap(function) -> sequence", "Maps to sequences and joins them.";
        OrderBy = 41, "ORDER_BY", "orderBy", at_least(1), ["index"], ALWAYS, Read, "sequence.orderBy(field, ...) -> sequence", "Sorts by fields, functions or an index.";
        Asc = 73, "ASC", "asc", exactly(1), [], ALWAYS, Read, "r.asc(field) -> ordering", "Ascending order of a field in ORDER_BY.";
        Desc = 74, "DESC", "desc", exactly(1), [], ALWAYS, Read, "r.desc(field) -> ordering", "Descending order of a field in ORDER_BY.";
        Skip = 70, "SKIP", "skip", exactly(2), [], ALWAYS, Read, "sequence.skip(count) -> sequence", "A sequence without its first elements.";
        Limit = 71, "LIMIT", "limit", exactly(2), [], ALWAYS, Read, "sequence.limit(count) -> sequence", "The first elements of a sequence.";
        Slice = 30, "SLICE", "slice", between(2, 3), ["left_bound", "right_bound"], ALWAYS, Read, "sequence.slice(start, end?) -> sequence", "A part of a sequence, a string or binary data.";
        Nth = 45, "NTH", "nth", exactly(2), [], ALWAYS, Read, "sequence.nth(position) -> value", "One element of a sequence by position.";
        OffsetsOf = 87, "OFFSETS_OF", "offsetsOf", exactly(2), [], ALWAYS, Read, "sequence.offsetsOf(predicate) -> array", "Positions of the elements that match.";
        IsEmpty = 86, "IS_EMPTY", "isEmpty", exactly(1), [], ALWAYS, Read, "sequence.isEmpty() -> bool", "True when a sequence has no element.";
        Union = 44, "UNION", "union", at_least(0), ["interleave"], ALWAYS, Read, "sequence.union(sequence, ...) -> sequence", "The elements of several sequences.";
        Sample = 81, "SAMPLE", "sample", exactly(2), [], NEVER, Read, "sequence.sample(count) -> array", "Randomly chosen elements of a sequence.";
        Fold = 187, "FOLD", "fold", exactly(3), ["emit", "final_emit"], ALWAYS, Read, "sequence.fold(base, function) -> value", "Carries a value through a sequence in order.";
        Range = 173, "RANGE", "range", between(0, 2), [], ALWAYS, Read, "r.range(start?, end?) -> sequence", "A stream of integers.";
        Changes = 152, "CHANGES", "changes", exactly(1), ["squash", "changefeed_queue_size", "include_initial", "include_offsets", "include_states", "include_types"], NEVER, Read, "selection.changes() -> feed", "A feed of changes.";
    }
    Aggregation {
        Reduce = 37, "REDUCE", "reduce", exactly(2), [], ALWAYS, Read, "sequence.reduce(function) -> value", "Combines all elements pairwise.";
        Count = 43, "COUNT", "count", between(1, 2), [], ALWAYS, Read, "sequence.count(predicate?) -> number", "The number of elements, or of those that match.";
        Sum = 145, "SUM", "sum", between(1, 2), [], ALWAYS, Read, "sequence.sum(field?) -> number", "The sum of numbers.";
        Avg = 146, "AVG", "avg", between(1, 2), [], ALWAYS, Read, "sequence.avg(field?) -> number", "The mean of numbers.";
        Min = 147, "MIN", "min", between(1, 2), ["index"], ALWAYS, Read, "sequence.min(field?) -> value", "The smallest element.";
        Max = 148, "MAX", "max", between(1, 2), ["index"], ALWAYS, Read, "sequence.max(field?) -> value", "The largest element.";
        Distinct = 42, "DISTINCT", "distinct", exactly(1), ["index"], ALWAYS, Read, "sequence.distinct() -> sequence", "The elements without repetitions.";
        Contains = 93, "CONTAINS", "contains", at_least(1), [], ALWAYS, Read, "sequence.contains(predicate, ...) -> bool", "True when a sequence holds all values or matches.";
        Group = 144, "GROUP", "group", at_least(1), ["index", "multi"], ALWAYS, Read, "sequence.group(field, ...) -> groups", "Splits a sequence into groups.";
        Ungroup = 150, "UNGROUP", "ungroup", exactly(1), [], ALWAYS, Read, "groups.ungroup() -> array", "Turns groups into an array of objects.";
    }
    Join {
        InnerJoin = 48, "INNER_JOIN", "innerJoin", exactly(3), [], ALWAYS, Read, "sequence.innerJoin(sequence, predicate) -> sequence", "All pairs for which a predicate holds.";
        OuterJoin = 49, "OUTER_JOIN", "outerJoin", exactly(3), [], ALWAYS, Read, "sequence.outerJoin(sequence, predicate) -> sequence", "All matching pairs, and left elements without a match.";
        EqJoin = 50, "EQ_JOIN", "eqJoin", exactly(3), ["index", "ordered"], ALWAYS, Read, "sequence.eqJoin(field, table) -> sequence", "Joins by equality with a key or index of a table.";
        Zip = 72, "ZIP", "zip", exactly(1), [], ALWAYS, Read, "sequence.zip() -> sequence", "Merges the two halves of joined pairs.";
    }
    Document {
        GetField = 31, "GET_FIELD", "getField", exactly(2), [], ALWAYS, Read, "object.getField(name) -> value", "One field of an object, or of each object of a sequence.";
        Bracket = 170, "BRACKET", "bracket", exactly(2), ["_NO_RECURSE_"], ALWAYS, Read, "value(nameOrPosition) -> value", "A field by name or an element by position.";
        Keys = 94, "KEYS", "keys", exactly(1), [], ALWAYS, Read, "object.keys() -> array", "The names of the fields of an object.";
        Values = 186, "VALUES", "values", exactly(1), [], ALWAYS, Read, "object.values() -> array", "The values of the fields of an object.";
        Object = 143, "OBJECT", "object", at_least(0), [], ALWAYS, Read, "r.object(name, value, ...) -> object", "Builds an object of alternating keys and values.";
        HasFields = 32, "HAS_FIELDS", "hasFields", at_least(1), [], ALWAYS, Read, "object.hasFields(selector, ...) -> bool", "Tests objects for fields that are not null.";
        WithFields = 96, "WITH_FIELDS", "withFields", at_least(1), [], ALWAYS, Read, "sequence.withFields(selector, ...) -> sequence", "Objects that have the fields, reduced to them.";
        Pluck = 33, "PLUCK", "pluck", at_least(1), [], ALWAYS, Read, "object.pluck(selector, ...) -> object", "Objects reduced to the given fields.";
        Without = 34, "WITHOUT", "without", at_least(1), [], ALWAYS, Read, "object.without(selector, ...) -> object", "Objects without the given fields.";
        Merge = 35, "MERGE", "merge", at_least(1), [], ALWAYS, Read, "object.merge(object, ...) -> object", "Merges objects from left to right.";
        Literal = 137, "LITERAL", "literal", between(0, 1), [], ALWAYS, Read, "r.literal(value?) -> special", "In MERGE and UPDATE, a value that replaces instead of merging.";
    }
    Array {
        Append = 29, "APPEND", "append", exactly(2), [], ALWAYS, Read, "array.append(value) -> array", "An array with one more element at its end.";
        Prepend = 80, "PREPEND", "prepend", exactly(2), [], ALWAYS, Read, "array.prepend(value) -> array", "An array with one more element at its beginning.";
        Difference = 95, "DIFFERENCE", "difference", exactly(2), [], ALWAYS, Read, "array.difference(array) -> array", "An array without the elements of another one.";
        SetInsert = 88, "SET_INSERT", "setInsert", exactly(2), [], ALWAYS, Read, "array.setInsert(value) -> array", "Adds a value to an array as to a set.";
        SetIntersection = 89, "SET_INTERSECTION", "setIntersection", exactly(2), [], ALWAYS, Read, "array.setIntersection(array) -> array", "The set of values that are in both arrays.";
        SetUnion = 90, "SET_UNION", "setUnion", exactly(2), [], ALWAYS, Read, "array.setUnion(array) -> array", "The set of values that are in either array.";
        SetDifference = 91, "SET_DIFFERENCE", "setDifference", exactly(2), [], ALWAYS, Read, "array.setDifference(array) -> array", "The set of values of one array that are not in another one.";
        InsertAt = 82, "INSERT_AT", "insertAt", exactly(3), [], ALWAYS, Read, "array.insertAt(position, value) -> array", "Inserts a value into an array.";
        DeleteAt = 83, "DELETE_AT", "deleteAt", between(2, 3), [], ALWAYS, Read, "array.deleteAt(position, end?) -> array", "Removes elements from an array.";
        ChangeAt = 84, "CHANGE_AT", "changeAt", exactly(3), [], ALWAYS, Read, "array.changeAt(position, value) -> array", "Replaces an element of an array.";
        SpliceAt = 85, "SPLICE_AT", "spliceAt", exactly(3), [], ALWAYS, Read, "array.spliceAt(position, array) -> array", "Inserts an array into an array.";
    }
    String {
        Match = 97, "MATCH", "match", exactly(2), [], ALWAYS, Read, "string.match(pattern) -> object", "Matches a regular expression.";
        Split = 149, "SPLIT", "split", between(1, 3), [], ALWAYS, Read, "string.split(separator?, count?) -> array", "Splits a string.";
        Upcase = 141, "UPCASE", "upcase", exactly(1), [], ALWAYS, Read, "string.upcase() -> string", "A string in upper case.";
        Downcase = 142, "DOWNCASE", "downcase", exactly(1), [], ALWAYS, Read, "string.downcase() -> string", "A string in lower case.";
        Json = 98, "JSON", "json", exactly(1), [], ALWAYS, Read, "r.json(string) -> value", "Parses a JSON text.";
        ToJsonString = 172, "TO_JSON_STRING", "toJsonString", exactly(1), [], ALWAYS, Read, "value.toJsonString() -> string", "Prints a value as JSON text.";
        Format = 197, "FORMAT", "format", exactly(2), [], ALWAYS, Read, "r.format(template, object) -> string", "A text with the fields of an object filled in.";
        Uuid = 169, "UUID", "uuid", between(0, 1), [], NEVER, Read, "r.uuid(string?) -> string", "A random UUID, or the one of a string.";
        Http = 153, "HTTP", "http", exactly(1), ["attempts", "auth", "data", "header", "method", "page", "page_limit", "params", "redirects", "result_format", "timeout", "verify"], NEVER, Read, "r.http(url) -> value", "Fetches from a web server.";
    }
    Time {
        Now = 103, "NOW", "now", exactly(0), [], CONSTANT_NOW, Read, "r.now() -> time", "The time at which the query started.";
        Iso8601 = 99, "ISO8601", "ISO8601", exactly(1), ["default_timezone"], ALWAYS, Read, "r.ISO8601(string) -> time", "A time of its ISO 8601 text.";
        ToIso8601 = 100, "TO_ISO8601", "toISO8601", exactly(1), [], ALWAYS, Read, "time.toISO8601() -> string", "The ISO 8601 text of a time.";
        EpochTime = 101, "EPOCH_TIME", "epochTime", exactly(1), [], ALWAYS, Read, "r.epochTime(seconds) -> time", "A time of its seconds since 1970.";
        ToEpochTime = 102, "TO_EPOCH_TIME", "toEpochTime", exactly(1), [], ALWAYS, Read, "time.toEpochTime() -> number", "The seconds since 1970 of a time.";
        Time = 136, "TIME", "time", between(4, 7), [], ALWAYS, Read, "r.time(year, month, day, hours?, minutes?, seconds?, timezone) -> time", "A time of its parts.";
        InTimezone = 104, "IN_TIMEZONE", "inTimezone", exactly(2), [], ALWAYS, Read, "time.inTimezone(timezone) -> time", "The same instant in another timezone.";
        Timezone = 127, "TIMEZONE", "timezone", exactly(1), [], ALWAYS, Read, "time.timezone() -> string", "The timezone of a time.";
        During = 105, "DURING", "during", exactly(3), ["left_bound", "right_bound"], ALWAYS, Read, "time.during(start, end) -> bool", "True when a time lies between two others.";
        Date = 106, "DATE", "date", exactly(1), [], ALWAYS, Read, "time.date() -> time", "Midnight of the day of a time.";
        TimeOfDay = 126, "TIME_OF_DAY", "timeOfDay", exactly(1), [], ALWAYS, Read, "time.timeOfDay() -> number", "The seconds since midnight of a time.";
        Year = 128, "YEAR", "year", exactly(1), [], ALWAYS, Read, "time.year() -> number", "The year of a time.";
        Month = 129, "MONTH", "month", exactly(1), [], ALWAYS, Read, "time.month() -> number", "The month of a time.";
        Day = 130, "DAY", "day", exactly(1), [], ALWAYS, Read, "time.day() -> number", "The day of the month of a time.";
        DayOfWeek = 131, "DAY_OF_WEEK", "dayOfWeek", exactly(1), [], ALWAYS, Read, "time.dayOfWeek() -> number", "The day of the week, Monday being 1, of a time.";
        DayOfYear = 132, "DAY_OF_YEAR", "dayOfYear", exactly(1), [], ALWAYS, Read, "time.dayOfYear() -> number", "The day of the year of a time.";
        Hours = 133, "HOURS", "hours", exactly(1), [], ALWAYS, Read, "time.hours() -> number", "The hour of a time.";
        Minutes = 134, "MINUTES", "minutes", exactly(1), [], ALWAYS, Read, "time.minutes() -> number", "The minute of a time.";
        Seconds = 135, "SECONDS", "seconds", exactly(1), [], ALWAYS, Read, "time.seconds() -> number", "The seconds with their fraction of a time.";
        Monday = 107, "MONDAY", "monday", exactly(0), [], ALWAYS, Read, "r.monday -> number", "The number of this weekday: 1.";
        Tuesday = 108, "TUESDAY", "tuesday", exactly(0), [], ALWAYS, Read, "r.tuesday -> number", "The number of this weekday: 2.";
        Wednesday = 109, "WEDNESDAY", "wednesday", exactly(0), [], ALWAYS, Read, "r.wednesday -> number", "The number of this weekday: 3.";
        Thursday = 110, "THURSDAY", "thursday", exactly(0), [], ALWAYS, Read, "r.thursday -> number", "The number of this weekday: 4.";
        Friday = 111, "FRIDAY", "friday", exactly(0), [], ALWAYS, Read, "r.friday -> number", "The number of this weekday: 5.";
        Saturday = 112, "SATURDAY", "saturday", exactly(0), [], ALWAYS, Read, "r.saturday -> number", "The number of this weekday: 6.";
        Sunday = 113, "SUNDAY", "sunday", exactly(0), [], ALWAYS, Read, "r.sunday -> number", "The number of this weekday: 7.";
        January = 114, "JANUARY", "january", exactly(0), [], ALWAYS, Read, "r.january -> number", "The number of this month: 1.";
        February = 115, "FEBRUARY", "february", exactly(0), [], ALWAYS, Read, "r.february -> number", "The number of this month: 2.";
        March = 116, "MARCH", "march", exactly(0), [], ALWAYS, Read, "r.march -> number", "The number of this month: 3.";
        April = 117, "APRIL", "april", exactly(0), [], ALWAYS, Read, "r.april -> number", "The number of this month: 4.";
        May = 118, "MAY", "may", exactly(0), [], ALWAYS, Read, "r.may -> number", "The number of this month: 5.";
        June = 119, "JUNE", "june", exactly(0), [], ALWAYS, Read, "r.june -> number", "The number of this month: 6.";
        July = 120, "JULY", "july", exactly(0), [], ALWAYS, Read, "r.july -> number", "The number of this month: 7.";
        August = 121, "AUGUST", "august", exactly(0), [], ALWAYS, Read, "r.august -> number", "The number of this month: 8.";
        September = 122, "SEPTEMBER", "september", exactly(0), [], ALWAYS, Read, "r.september -> number", "The number of this month: 9.";
        October = 123, "OCTOBER", "october", exactly(0), [], ALWAYS, Read, "r.october -> number", "The number of this month: 10.";
        November = 124, "NOVEMBER", "november", exactly(0), [], ALWAYS, Read, "r.november -> number", "The number of this month: 11.";
        December = 125, "DECEMBER", "december", exactly(0), [], ALWAYS, Read, "r.december -> number", "The number of this month: 12.";
    }
    Geography {
        GeoJson = 157, "GEOJSON", "geojson", exactly(1), [], SINGLE_SERVER, Read, "r.geojson(object) -> geometry", "A geometry of a GeoJSON object.";
        ToGeoJson = 158, "TO_GEOJSON", "toGeojson", exactly(1), [], ALWAYS, Read, "geometry.toGeojson() -> object", "The GeoJSON object of a geometry.";
        Point = 159, "POINT", "point", exactly(2), [], ALWAYS, Read, "r.point(longitude, latitude) -> geometry", "A point of longitude and latitude.";
        Line = 160, "LINE", "line", at_least(2), [], SINGLE_SERVER, Read, "r.line(point, point, ...) -> geometry", "A line of points.";
        Polygon = 161, "POLYGON", "polygon", at_least(3), [], SINGLE_SERVER, Read, "r.polygon(point, point, point, ...) -> geometry", "A polygon of points.";
        PolygonSub = 171, "POLYGON_SUB", "polygonSub", exactly(2), [], SINGLE_SERVER, Read, "geometry.polygonSub(geometry) -> geometry", "A polygon with a hole.";
        Circle = 165, "CIRCLE", "circle", exactly(2), ["num_vertices", "geo_system", "unit", "fill"], SINGLE_SERVER, Read, "r.circle(center, radius) -> geometry", "A polygon or line that approximates a circle.";
        Fill = 167, "FILL", "fill", exactly(1), [], SINGLE_SERVER, Read, "geometry.fill() -> geometry", "The polygon within a closed line.";
        Distance = 162, "DISTANCE", "distance", exactly(2), ["geo_system", "unit"], SINGLE_SERVER, Read, "geometry.distance(geometry) -> number", "The shortest distance between two geometries.";
        Intersects = 163, "INTERSECTS", "intersects", exactly(2), [], SINGLE_SERVER, Read, "geometry.intersects(geometry) -> bool", "True when two geometries meet.";
        Includes = 164, "INCLUDES", "includes", exactly(2), [], SINGLE_SERVER, Read, "geometry.includes(geometry) -> bool", "True when one geometry lies within another one.";
        GetIntersecting = 166, "GET_INTERSECTING", "getIntersecting", exactly(2), ["index"], SINGLE_SERVER, Read, "table.getIntersecting(geometry) -> selection", "The documents whose geometry meets another one.";
        GetNearest = 168, "GET_NEAREST", "getNearest", exactly(2), ["index", "max_results", "max_dist", "unit", "geo_system"], SINGLE_SERVER, Read, "table.getNearest(point) -> array", "The documents nearest to a point.";
    }
}
