//! The table of terms. One line per term: variant, number, protocol name, method name,
//! arity, optional arguments, determinism, effect, documentation.

use crate::term::{Arity, Determinism, Effect, Family, TermInfo, terms};

terms! {
    Value {
        Datum = 1, "DATUM", "datum", exactly(1), [], ALWAYS, Read, "A literal value, already evaluated.";
        MakeArray = 2, "MAKE_ARRAY", "array", at_least(0), [], ALWAYS, Read, "Builds an array of its arguments.";
        MakeObj = 3, "MAKE_OBJ", "object", exactly(0), [], ALWAYS, Read, "Builds an object of its optional arguments.";
        Binary = 155, "BINARY", "binary", exactly(1), [], ALWAYS, Read, "Turns a string into binary data.";
        Minval = 180, "MINVAL", "minval", exactly(0), [], ALWAYS, Read, "The value below every other value.";
        Maxval = 181, "MAXVAL", "maxval", exactly(0), [], ALWAYS, Read, "The value above every other value.";
    }
    Function {
        Var = 10, "VAR", "var", exactly(1), [], ALWAYS, Read, "The value of a function parameter, by number.";
        ImplicitVar = 13, "IMPLICIT_VAR", "row", exactly(0), [], ALWAYS, Read, "The parameter of the enclosing one-parameter function.";
        Func = 69, "FUNC", "function", exactly(2), [], ALWAYS, Read, "A function: the numbers of its parameters and its body.";
        Funcall = 64, "FUNCALL", "do", at_least(1), ["_SHORTCUT_"], ALWAYS, Read, "Calls a function with the given arguments.";
        Javascript = 11, "JAVASCRIPT", "js", exactly(1), ["timeout"], NEVER, Read, "Evaluates JavaScript to a value or a function.";
        Args = 154, "ARGS", "args", exactly(1), [], ALWAYS, Read, "Spreads an array into the arguments of the enclosing term.";
    }
    Control {
        Branch = 65, "BRANCH", "branch", at_least(3), [], ALWAYS, Read, "The value after the first condition that is true, else the last one.";
        Or = 66, "OR", "or", at_least(0), [], ALWAYS, Read, "The first argument that counts as true, else the last one.";
        And = 67, "AND", "and", at_least(0), [], ALWAYS, Read, "The first argument that counts as false, else the last one.";
        Not = 23, "NOT", "not", exactly(1), [], ALWAYS, Read, "Logical negation.";
        Default = 92, "DEFAULT", "default", exactly(2), [], ALWAYS, Read, "A replacement for a missing value or a null.";
        Error = 12, "ERROR", "error", between(0, 1), [], ALWAYS, Read, "Fails with the given message; without one, passes the caught error on.";
        ForEach = 68, "FOR_EACH", "forEach", exactly(2), [], NEVER, Read, "Runs a write for each element of a sequence.";
        TypeOf = 52, "TYPE_OF", "typeOf", exactly(1), [], ALWAYS, Read, "The name of the type of a value.";
        CoerceTo = 51, "COERCE_TO", "coerceTo", exactly(2), [], ALWAYS, Read, "Converts a value to another type.";
        Info = 79, "INFO", "info", exactly(1), [], ALWAYS, Read, "Describes a value: its type, its table, its indexes.";
    }
    Comparison {
        Eq = 17, "EQ", "eq", at_least(1), [], ALWAYS, Read, "True when all arguments are equal.";
        Ne = 18, "NE", "ne", at_least(1), [], ALWAYS, Read, "True when not all arguments are equal.";
        Lt = 19, "LT", "lt", at_least(1), [], ALWAYS, Read, "True when each argument is below the next.";
        Le = 20, "LE", "le", at_least(1), [], ALWAYS, Read, "True when no argument is above the next.";
        Gt = 21, "GT", "gt", at_least(1), [], ALWAYS, Read, "True when each argument is above the next.";
        Ge = 22, "GE", "ge", at_least(1), [], ALWAYS, Read, "True when no argument is below the next.";
    }
    Arithmetic {
        Add = 24, "ADD", "add", at_least(1), [], ALWAYS, Read, "Sum of numbers; concatenation of strings or arrays; time plus seconds.";
        Sub = 25, "SUB", "sub", at_least(1), [], ALWAYS, Read, "Difference of numbers or times.";
        Mul = 26, "MUL", "mul", at_least(1), [], ALWAYS, Read, "Product of numbers; repetition of an array.";
        Div = 27, "DIV", "div", at_least(1), [], ALWAYS, Read, "Quotient of numbers.";
        Mod = 28, "MOD", "mod", exactly(2), [], ALWAYS, Read, "Remainder of a division of integers.";
        Floor = 183, "FLOOR", "floor", exactly(1), [], ALWAYS, Read, "The largest integer that is not above a number.";
        Ceil = 184, "CEIL", "ceil", exactly(1), [], ALWAYS, Read, "The smallest integer that is not below a number.";
        Round = 185, "ROUND", "round", exactly(1), [], ALWAYS, Read, "The integer nearest to a number.";
        BitAnd = 191, "BIT_AND", "bitAnd", at_least(1), [], ALWAYS, Read, "Bitwise and of integers.";
        BitOr = 192, "BIT_OR", "bitOr", at_least(1), [], ALWAYS, Read, "Bitwise or of integers.";
        BitXor = 193, "BIT_XOR", "bitXor", at_least(1), [], ALWAYS, Read, "Bitwise exclusive or of integers.";
        BitNot = 194, "BIT_NOT", "bitNot", exactly(1), [], ALWAYS, Read, "Bitwise complement of an integer.";
        BitSal = 195, "BIT_SAL", "bitSal", at_least(1), [], ALWAYS, Read, "Shifts an integer to the left.";
        BitSar = 196, "BIT_SAR", "bitSar", at_least(1), [], ALWAYS, Read, "Shifts an integer to the right, keeping its sign.";
        Random = 151, "RANDOM", "random", between(0, 2), ["float"], NEVER, Read, "A random number, optionally within bounds.";
    }
    Database {
        Db = 14, "DB", "db", exactly(1), [], NEVER, Read, "A database by name.";
        DbCreate = 57, "DB_CREATE", "dbCreate", exactly(1), [], NEVER, Write, "Creates a database.";
        DbDrop = 58, "DB_DROP", "dbDrop", exactly(1), [], NEVER, Write, "Drops a database and its tables.";
        DbList = 59, "DB_LIST", "dbList", exactly(0), [], NEVER, Read, "The names of all databases.";
        TableCreate = 60, "TABLE_CREATE", "tableCreate", between(1, 2), ["primary_key", "shards", "replicas", "nonvoting_replica_tags", "primary_replica_tag", "durability", "ttl"], NEVER, Write, "Creates a table.";
        TableDrop = 61, "TABLE_DROP", "tableDrop", between(1, 2), [], NEVER, Write, "Drops a table and its documents.";
        TableList = 62, "TABLE_LIST", "tableList", between(0, 1), [], NEVER, Read, "The names of the tables of a database.";
        Config = 174, "CONFIG", "config", exactly(1), [], NEVER, Read, "The configuration document of a table or database.";
        Status = 175, "STATUS", "status", exactly(1), [], NEVER, Read, "The status document of a table.";
        Wait = 177, "WAIT", "wait", between(0, 1), ["timeout", "wait_for"], NEVER, Write, "Waits until tables are ready.";
        Reconfigure = 176, "RECONFIGURE", "reconfigure", between(0, 1), ["dry_run", "emergency_repair", "nonvoting_replica_tags", "primary_replica_tag", "replicas", "shards"], NEVER, Write, "Changes shards and replicas of tables.";
        Rebalance = 179, "REBALANCE", "rebalance", between(0, 1), [], NEVER, Write, "Spreads the documents of tables evenly over their shards.";
        Sync = 138, "SYNC", "sync", exactly(1), [], NEVER, Write, "Makes the soft writes of a table durable.";
        Grant = 188, "GRANT", "grant", between(2, 3), [], NEVER, Write, "Grants or revokes permissions of a user.";
        SetWriteHook = 189, "SET_WRITE_HOOK", "setWriteHook", exactly(2), [], NEVER, Write, "Sets or clears the write hook of a table.";
        GetWriteHook = 190, "GET_WRITE_HOOK", "getWriteHook", exactly(1), [], NEVER, Read, "The write hook of a table.";
    }
    Index {
        IndexCreate = 75, "INDEX_CREATE", "indexCreate", between(2, 3), ["multi", "geo", "unique"], NEVER, Write, "Creates a secondary index.";
        IndexDrop = 76, "INDEX_DROP", "indexDrop", exactly(2), [], NEVER, Write, "Drops a secondary index.";
        IndexList = 77, "INDEX_LIST", "indexList", exactly(1), [], NEVER, Read, "The names of the indexes of a table.";
        IndexStatus = 139, "INDEX_STATUS", "indexStatus", at_least(1), [], NEVER, Read, "The status of indexes.";
        IndexWait = 140, "INDEX_WAIT", "indexWait", at_least(1), [], NEVER, Write, "Waits until indexes are ready.";
        IndexRename = 156, "INDEX_RENAME", "indexRename", exactly(3), ["overwrite"], NEVER, Write, "Renames an index.";
    }
    Selection {
        Table = 15, "TABLE", "table", between(1, 2), ["use_outdated", "read_mode", "identifier_format"], NEVER, Read, "A table by name.";
        Get = 16, "GET", "get", exactly(2), [], ALWAYS, Read, "The document with a primary key.";
        GetAll = 78, "GET_ALL", "getAll", at_least(1), ["index"], ALWAYS, Read, "The documents with any of the given keys.";
        BetweenDeprecated = 36, "BETWEEN_DEPRECATED", "betweenDeprecated", exactly(3), ["index", "left_bound", "right_bound"], ALWAYS, Read, "Documents between two keys, where null means unbounded.";
        Between = 182, "BETWEEN", "between", exactly(3), ["index", "left_bound", "right_bound"], ALWAYS, Read, "The documents between two keys.";
        Filter = 39, "FILTER", "filter", exactly(2), ["default"], ALWAYS, Read, "The elements for which a predicate holds.";
    }
    Write {
        Insert = 56, "INSERT", "insert", exactly(2), ["conflict", "durability", "return_vals", "return_changes", "ignore_write_hook"], NEVER, Write, "Inserts documents into a table.";
        Update = 53, "UPDATE", "update", exactly(2), ["non_atomic", "durability", "return_vals", "return_changes", "ignore_write_hook"], NEVER, Write, "Merges changes into documents.";
        Replace = 55, "REPLACE", "replace", exactly(2), ["non_atomic", "durability", "return_vals", "return_changes", "ignore_write_hook"], NEVER, Write, "Replaces documents.";
        Delete = 54, "DELETE", "delete", exactly(1), ["durability", "return_vals", "return_changes", "ignore_write_hook"], NEVER, Write, "Deletes documents.";
    }
    Transformation {
        Map = 38, "MAP", "map", at_least(2), [], ALWAYS, Read, "Applies a function to the elements of one or more sequences.";
        ConcatMap = 40, "CONCAT_MAP", "concatMap", exactly(2), [], ALWAYS, Read, "Maps to sequences and joins them.";
        OrderBy = 41, "ORDER_BY", "orderBy", at_least(1), ["index"], ALWAYS, Read, "Sorts by fields, functions or an index.";
        Asc = 73, "ASC", "asc", exactly(1), [], ALWAYS, Read, "Ascending order of a field in ORDER_BY.";
        Desc = 74, "DESC", "desc", exactly(1), [], ALWAYS, Read, "Descending order of a field in ORDER_BY.";
        Skip = 70, "SKIP", "skip", exactly(2), [], ALWAYS, Read, "A sequence without its first elements.";
        Limit = 71, "LIMIT", "limit", exactly(2), [], ALWAYS, Read, "The first elements of a sequence.";
        Slice = 30, "SLICE", "slice", between(2, 3), ["left_bound", "right_bound"], ALWAYS, Read, "A part of a sequence, a string or binary data.";
        Nth = 45, "NTH", "nth", exactly(2), [], ALWAYS, Read, "One element of a sequence by position.";
        OffsetsOf = 87, "OFFSETS_OF", "offsetsOf", exactly(2), [], ALWAYS, Read, "Positions of the elements that match.";
        IsEmpty = 86, "IS_EMPTY", "isEmpty", exactly(1), [], ALWAYS, Read, "True when a sequence has no element.";
        Union = 44, "UNION", "union", at_least(0), ["interleave"], ALWAYS, Read, "The elements of several sequences.";
        Sample = 81, "SAMPLE", "sample", exactly(2), [], NEVER, Read, "Randomly chosen elements of a sequence.";
        Fold = 187, "FOLD", "fold", exactly(3), ["emit", "final_emit"], ALWAYS, Read, "Carries a value through a sequence in order.";
        Range = 173, "RANGE", "range", between(0, 2), [], ALWAYS, Read, "A stream of integers.";
        Changes = 152, "CHANGES", "changes", exactly(1), ["squash", "changefeed_queue_size", "include_initial", "include_offsets", "include_states", "include_types"], NEVER, Read, "A feed of changes.";
    }
    Aggregation {
        Reduce = 37, "REDUCE", "reduce", exactly(2), [], ALWAYS, Read, "Combines all elements pairwise.";
        Count = 43, "COUNT", "count", between(1, 2), [], ALWAYS, Read, "The number of elements, or of those that match.";
        Sum = 145, "SUM", "sum", between(1, 2), [], ALWAYS, Read, "The sum of numbers.";
        Avg = 146, "AVG", "avg", between(1, 2), [], ALWAYS, Read, "The mean of numbers.";
        Min = 147, "MIN", "min", between(1, 2), ["index"], ALWAYS, Read, "The smallest element.";
        Max = 148, "MAX", "max", between(1, 2), ["index"], ALWAYS, Read, "The largest element.";
        Distinct = 42, "DISTINCT", "distinct", exactly(1), ["index"], ALWAYS, Read, "The elements without repetitions.";
        Contains = 93, "CONTAINS", "contains", at_least(1), [], ALWAYS, Read, "True when a sequence holds all values or matches.";
        Group = 144, "GROUP", "group", at_least(1), ["index", "multi"], ALWAYS, Read, "Splits a sequence into groups.";
        Ungroup = 150, "UNGROUP", "ungroup", exactly(1), [], ALWAYS, Read, "Turns groups into an array of objects.";
    }
    Join {
        InnerJoin = 48, "INNER_JOIN", "innerJoin", exactly(3), [], ALWAYS, Read, "All pairs for which a predicate holds.";
        OuterJoin = 49, "OUTER_JOIN", "outerJoin", exactly(3), [], ALWAYS, Read, "All matching pairs, and left elements without a match.";
        EqJoin = 50, "EQ_JOIN", "eqJoin", exactly(3), ["index", "ordered"], ALWAYS, Read, "Joins by equality with a key or index of a table.";
        Zip = 72, "ZIP", "zip", exactly(1), [], ALWAYS, Read, "Merges the two halves of joined pairs.";
    }
    Document {
        GetField = 31, "GET_FIELD", "getField", exactly(2), [], ALWAYS, Read, "One field of an object, or of each object of a sequence.";
        Bracket = 170, "BRACKET", "bracket", exactly(2), ["_NO_RECURSE_"], ALWAYS, Read, "A field by name or an element by position.";
        Keys = 94, "KEYS", "keys", exactly(1), [], ALWAYS, Read, "The names of the fields of an object.";
        Values = 186, "VALUES", "values", exactly(1), [], ALWAYS, Read, "The values of the fields of an object.";
        Object = 143, "OBJECT", "object", at_least(0), [], ALWAYS, Read, "Builds an object of alternating keys and values.";
        HasFields = 32, "HAS_FIELDS", "hasFields", at_least(1), [], ALWAYS, Read, "Tests objects for fields that are not null.";
        WithFields = 96, "WITH_FIELDS", "withFields", at_least(1), [], ALWAYS, Read, "Objects that have the fields, reduced to them.";
        Pluck = 33, "PLUCK", "pluck", at_least(1), [], ALWAYS, Read, "Objects reduced to the given fields.";
        Without = 34, "WITHOUT", "without", at_least(1), [], ALWAYS, Read, "Objects without the given fields.";
        Merge = 35, "MERGE", "merge", at_least(1), [], ALWAYS, Read, "Merges objects from left to right.";
        Literal = 137, "LITERAL", "literal", between(0, 1), [], ALWAYS, Read, "In MERGE and UPDATE, a value that replaces instead of merging.";
    }
    Array {
        Append = 29, "APPEND", "append", exactly(2), [], ALWAYS, Read, "An array with one more element at its end.";
        Prepend = 80, "PREPEND", "prepend", exactly(2), [], ALWAYS, Read, "An array with one more element at its beginning.";
        Difference = 95, "DIFFERENCE", "difference", exactly(2), [], ALWAYS, Read, "An array without the elements of another one.";
        SetInsert = 88, "SET_INSERT", "setInsert", exactly(2), [], ALWAYS, Read, "Adds a value to an array as to a set.";
        SetIntersection = 89, "SET_INTERSECTION", "setIntersection", exactly(2), [], ALWAYS, Read, "The set of values that are in both arrays.";
        SetUnion = 90, "SET_UNION", "setUnion", exactly(2), [], ALWAYS, Read, "The set of values that are in either array.";
        SetDifference = 91, "SET_DIFFERENCE", "setDifference", exactly(2), [], ALWAYS, Read, "The set of values of one array that are not in another one.";
        InsertAt = 82, "INSERT_AT", "insertAt", exactly(3), [], ALWAYS, Read, "Inserts a value into an array.";
        DeleteAt = 83, "DELETE_AT", "deleteAt", between(2, 3), [], ALWAYS, Read, "Removes elements from an array.";
        ChangeAt = 84, "CHANGE_AT", "changeAt", exactly(3), [], ALWAYS, Read, "Replaces an element of an array.";
        SpliceAt = 85, "SPLICE_AT", "spliceAt", exactly(3), [], ALWAYS, Read, "Inserts an array into an array.";
    }
    String {
        Match = 97, "MATCH", "match", exactly(2), [], ALWAYS, Read, "Matches a regular expression.";
        Split = 149, "SPLIT", "split", between(1, 3), [], ALWAYS, Read, "Splits a string.";
        Upcase = 141, "UPCASE", "upcase", exactly(1), [], ALWAYS, Read, "A string in upper case.";
        Downcase = 142, "DOWNCASE", "downcase", exactly(1), [], ALWAYS, Read, "A string in lower case.";
        Json = 98, "JSON", "json", exactly(1), [], ALWAYS, Read, "Parses a JSON text.";
        ToJsonString = 172, "TO_JSON_STRING", "toJsonString", exactly(1), [], ALWAYS, Read, "Prints a value as JSON text.";
        Format = 197, "FORMAT", "format", exactly(2), [], ALWAYS, Read, "A text with the fields of an object filled in.";
        Uuid = 169, "UUID", "uuid", between(0, 1), [], NEVER, Read, "A random UUID, or the one of a string.";
        Http = 153, "HTTP", "http", exactly(1), ["attempts", "auth", "data", "header", "method", "page", "page_limit", "params", "redirects", "result_format", "timeout", "verify"], NEVER, Read, "Fetches from a web server.";
    }
    Time {
        Now = 103, "NOW", "now", exactly(0), [], CONSTANT_NOW, Read, "The time at which the query started.";
        Iso8601 = 99, "ISO8601", "ISO8601", exactly(1), ["default_timezone"], ALWAYS, Read, "A time of its ISO 8601 text.";
        ToIso8601 = 100, "TO_ISO8601", "toISO8601", exactly(1), [], ALWAYS, Read, "The ISO 8601 text of a time.";
        EpochTime = 101, "EPOCH_TIME", "epochTime", exactly(1), [], ALWAYS, Read, "A time of its seconds since 1970.";
        ToEpochTime = 102, "TO_EPOCH_TIME", "toEpochTime", exactly(1), [], ALWAYS, Read, "The seconds since 1970 of a time.";
        Time = 136, "TIME", "time", between(4, 7), [], ALWAYS, Read, "A time of its parts.";
        InTimezone = 104, "IN_TIMEZONE", "inTimezone", exactly(2), [], ALWAYS, Read, "The same instant in another timezone.";
        Timezone = 127, "TIMEZONE", "timezone", exactly(1), [], ALWAYS, Read, "The timezone of a time.";
        During = 105, "DURING", "during", exactly(3), ["left_bound", "right_bound"], ALWAYS, Read, "True when a time lies between two others.";
        Date = 106, "DATE", "date", exactly(1), [], ALWAYS, Read, "Midnight of the day of a time.";
        TimeOfDay = 126, "TIME_OF_DAY", "timeOfDay", exactly(1), [], ALWAYS, Read, "The seconds since midnight of a time.";
        Year = 128, "YEAR", "year", exactly(1), [], ALWAYS, Read, "The year of a time.";
        Month = 129, "MONTH", "month", exactly(1), [], ALWAYS, Read, "The month of a time.";
        Day = 130, "DAY", "day", exactly(1), [], ALWAYS, Read, "The day of the month of a time.";
        DayOfWeek = 131, "DAY_OF_WEEK", "dayOfWeek", exactly(1), [], ALWAYS, Read, "The day of the week, Monday being 1, of a time.";
        DayOfYear = 132, "DAY_OF_YEAR", "dayOfYear", exactly(1), [], ALWAYS, Read, "The day of the year of a time.";
        Hours = 133, "HOURS", "hours", exactly(1), [], ALWAYS, Read, "The hour of a time.";
        Minutes = 134, "MINUTES", "minutes", exactly(1), [], ALWAYS, Read, "The minute of a time.";
        Seconds = 135, "SECONDS", "seconds", exactly(1), [], ALWAYS, Read, "The seconds with their fraction of a time.";
        Monday = 107, "MONDAY", "monday", exactly(0), [], ALWAYS, Read, "The number of this weekday: 1.";
        Tuesday = 108, "TUESDAY", "tuesday", exactly(0), [], ALWAYS, Read, "The number of this weekday: 2.";
        Wednesday = 109, "WEDNESDAY", "wednesday", exactly(0), [], ALWAYS, Read, "The number of this weekday: 3.";
        Thursday = 110, "THURSDAY", "thursday", exactly(0), [], ALWAYS, Read, "The number of this weekday: 4.";
        Friday = 111, "FRIDAY", "friday", exactly(0), [], ALWAYS, Read, "The number of this weekday: 5.";
        Saturday = 112, "SATURDAY", "saturday", exactly(0), [], ALWAYS, Read, "The number of this weekday: 6.";
        Sunday = 113, "SUNDAY", "sunday", exactly(0), [], ALWAYS, Read, "The number of this weekday: 7.";
        January = 114, "JANUARY", "january", exactly(0), [], ALWAYS, Read, "The number of this month: 1.";
        February = 115, "FEBRUARY", "february", exactly(0), [], ALWAYS, Read, "The number of this month: 2.";
        March = 116, "MARCH", "march", exactly(0), [], ALWAYS, Read, "The number of this month: 3.";
        April = 117, "APRIL", "april", exactly(0), [], ALWAYS, Read, "The number of this month: 4.";
        May = 118, "MAY", "may", exactly(0), [], ALWAYS, Read, "The number of this month: 5.";
        June = 119, "JUNE", "june", exactly(0), [], ALWAYS, Read, "The number of this month: 6.";
        July = 120, "JULY", "july", exactly(0), [], ALWAYS, Read, "The number of this month: 7.";
        August = 121, "AUGUST", "august", exactly(0), [], ALWAYS, Read, "The number of this month: 8.";
        September = 122, "SEPTEMBER", "september", exactly(0), [], ALWAYS, Read, "The number of this month: 9.";
        October = 123, "OCTOBER", "october", exactly(0), [], ALWAYS, Read, "The number of this month: 10.";
        November = 124, "NOVEMBER", "november", exactly(0), [], ALWAYS, Read, "The number of this month: 11.";
        December = 125, "DECEMBER", "december", exactly(0), [], ALWAYS, Read, "The number of this month: 12.";
    }
    Geography {
        GeoJson = 157, "GEOJSON", "geojson", exactly(1), [], SINGLE_SERVER, Read, "A geometry of a GeoJSON object.";
        ToGeoJson = 158, "TO_GEOJSON", "toGeojson", exactly(1), [], ALWAYS, Read, "The GeoJSON object of a geometry.";
        Point = 159, "POINT", "point", exactly(2), [], ALWAYS, Read, "A point of longitude and latitude.";
        Line = 160, "LINE", "line", at_least(2), [], SINGLE_SERVER, Read, "A line of points.";
        Polygon = 161, "POLYGON", "polygon", at_least(3), [], SINGLE_SERVER, Read, "A polygon of points.";
        PolygonSub = 171, "POLYGON_SUB", "polygonSub", exactly(2), [], SINGLE_SERVER, Read, "A polygon with a hole.";
        Circle = 165, "CIRCLE", "circle", exactly(2), ["num_vertices", "geo_system", "unit", "fill"], SINGLE_SERVER, Read, "A polygon or line that approximates a circle.";
        Fill = 167, "FILL", "fill", exactly(1), [], SINGLE_SERVER, Read, "The polygon within a closed line.";
        Distance = 162, "DISTANCE", "distance", exactly(2), ["geo_system", "unit"], SINGLE_SERVER, Read, "The shortest distance between two geometries.";
        Intersects = 163, "INTERSECTS", "intersects", exactly(2), [], SINGLE_SERVER, Read, "True when two geometries meet.";
        Includes = 164, "INCLUDES", "includes", exactly(2), [], SINGLE_SERVER, Read, "True when one geometry lies within another one.";
        GetIntersecting = 166, "GET_INTERSECTING", "getIntersecting", exactly(2), ["index"], SINGLE_SERVER, Read, "The documents whose geometry meets another one.";
        GetNearest = 168, "GET_NEAREST", "getNearest", exactly(2), ["index", "max_results", "max_dist", "unit", "geo_system"], SINGLE_SERVER, Read, "The documents nearest to a point.";
    }
}
