//! The syntax tree: an arena of nodes that know their parents.

use photondb_datum::{Datum, DatumError, DatumRef, Text, limits};
use smallvec::SmallVec;

use crate::{Backtrace, Determinism, Frame, ReqlError, TermType};

/// A node of an [`Ast`]. The default is the first one, for values that have no place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TermId(u32);

impl TermId {
    /// Position in the arena.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Positional arguments.
pub type Args = SmallVec<[TermId; 4]>;
/// Optional arguments, in the order in which they were sent.
pub type Optargs = SmallVec<[(Text, TermId); 1]>;

/// One node: a value known at once, or a term with arguments.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A literal. Arrays and objects of nothing but literals are one constant, too.
    Constant(Datum),
    /// A term.
    Term {
        /// Which one.
        term: TermType,
        /// Its positional arguments.
        args: Args,
        /// Its optional arguments; the fields, for `MAKE_OBJ`.
        optargs: Optargs,
    },
}

/// Where a node hangs.
#[derive(Clone, Copy, Debug)]
struct Link {
    parent: TermId,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Arg(u32),
    Optarg(u32),
}

/// A syntax tree. Children are added before their parents, each under one parent only.
#[derive(Clone, Debug, Default)]
pub struct Ast {
    nodes: Vec<Node>,
    links: Vec<Option<Link>>,
    root: u32,
    /// No literal array is longer than this.
    array_size_max: usize,
}

impl Ast {
    /// An empty tree, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty tree with room for so many nodes.
    pub fn with_capacity(nodes: usize) -> Self {
        Self { nodes: Vec::with_capacity(nodes), links: Vec::with_capacity(nodes), ..Self::default() }
    }

    /// Adds a literal.
    pub fn add_constant(&mut self, value: Datum) -> TermId {
        self.push(Node::Constant(value))
    }

    /// Adds a term above nodes that are in the tree already and have no parent yet.
    pub fn add_term(&mut self, term: TermType, args: Args, optargs: Optargs) -> TermId {
        let parent = TermId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        for (position, child) in args.iter().enumerate() {
            self.link(*child, Link { parent, place: Place::Arg(position as u32) });
        }
        for (position, (_, child)) in optargs.iter().enumerate() {
            self.link(*child, Link { parent, place: Place::Optarg(position as u32) });
        }
        self.push(Node::Term { term, args, optargs })
    }

    /// Names the root. Until then it is the first node.
    pub fn set_root(&mut self, root: TermId) {
        self.root = root.0;
    }

    /// The root. The tree must not be empty to look at it.
    pub fn root(&self) -> TermId {
        TermId(self.root)
    }

    /// Gives back the room for further nodes, of a tree that is kept for long.
    pub fn shrink_to_fit(&mut self) {
        self.nodes.shrink_to_fit();
        self.links.shrink_to_fit();
    }

    /// Whether a term stands anywhere in the tree.
    pub fn has(&self, wanted: TermType) -> bool {
        self.nodes.iter().any(|node| matches!(node, Node::Term { term, .. } if *term == wanted))
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// A node. Ids of another tree are a mistake of the program.
    pub fn node(&self, id: TermId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The node above; `None` at a root.
    pub fn parent(&self, id: TermId) -> Option<TermId> {
        self.links[id.index()].map(|link| link.parent)
    }

    /// The term of a node; `DATUM` for a literal.
    pub fn term_type(&self, id: TermId) -> TermType {
        match self.node(id) {
            Node::Constant(_) => TermType::Datum,
            Node::Term { term, .. } => *term,
        }
    }

    /// The positional arguments; none for a literal.
    pub fn args(&self, id: TermId) -> &[TermId] {
        match self.node(id) {
            Node::Constant(_) => &[],
            Node::Term { args, .. } => args,
        }
    }

    /// The optional arguments; none for a literal.
    pub fn optargs(&self, id: TermId) -> &[(Text, TermId)] {
        match self.node(id) {
            Node::Constant(_) => &[],
            Node::Term { optargs, .. } => optargs,
        }
    }

    /// An optional argument by name.
    pub fn optarg(&self, id: TermId, name: &str) -> Option<TermId> {
        self.optargs(id).iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| *value)
    }

    /// The literal of a node.
    pub fn constant(&self, id: TermId) -> Option<&Datum> {
        match self.node(id) {
            Node::Constant(value) => Some(value),
            Node::Term { .. } => None,
        }
    }

    /// Takes the literal of a node out; null stays in its place, and null is taken from a term.
    pub fn take_constant(&mut self, id: TermId) -> Datum {
        match &mut self.nodes[id.index()] {
            Node::Constant(value) => std::mem::replace(value, Datum::Null),
            Node::Term { .. } => Datum::Null,
        }
    }

    /// What an expression depends on besides its variables.
    pub fn determinism(&self, id: TermId) -> Determinism {
        let parts = self.args(id).iter().chain(self.optargs(id).iter().map(|(_, value)| value));
        parts.fold(self.own_determinism(id), |joined, part| joined.join(self.determinism(*part)))
    }

    /// What the node itself, without its parts, contributes to that.
    pub fn own_determinism(&self, id: TermId) -> Determinism {
        match self.node(id) {
            Node::Constant(_) => Determinism::ALWAYS,
            // The UUID of a string is a hash; that of nothing is random.
            Node::Term { term: TermType::Uuid, args, .. }
                if args.len() == 1 && self.term_type(args[0]) != TermType::Args =>
            {
                Determinism::ALWAYS
            }
            Node::Term { term, .. } => term.info().determinism,
        }
    }

    /// The way from the root to a node. Computed only when an error needs it.
    pub fn backtrace(&self, id: TermId) -> Backtrace {
        let mut frames = Backtrace::new();
        let mut below = id;
        while let Some(link) = self.links[below.index()] {
            frames.push(match link.place {
                Place::Arg(position) => Frame::Position(position),
                Place::Optarg(position) => {
                    Frame::Optarg(self.optargs(link.parent)[position as usize].0.clone())
                }
            });
            below = link.parent;
        }
        frames.reverse();
        frames
    }

    /// Fails when a literal array is longer than `max`, as the `array_limit` of the query
    /// demands. Literals are not looked at unless one of them may be.
    pub fn check_array_sizes(&self, max: usize) -> Result<(), ReqlError> {
        if self.array_size_max <= max {
            return Ok(());
        }
        for (position, node) in self.nodes.iter().enumerate() {
            if let Node::Constant(value) = node
                && let Err(error) = check_array_sizes(value.view(), max)
            {
                return Err(ReqlError::from(error).at(self.backtrace(TermId(position as u32))));
            }
        }
        Ok(())
    }

    /// Remembers that there may be a literal array as long as this.
    pub(crate) fn note_array_size(&mut self, size: usize) {
        self.array_size_max = self.array_size_max.max(size);
    }

    /// Copies a subtree into a tree of its own, for storage or another server.
    pub fn extract(&self, id: TermId) -> Ast {
        let mut ast = Ast::new();
        let root = ast.graft(self, id);
        ast.set_root(root);
        ast
    }

    /// Copies a subtree of another tree into this one, without a parent.
    pub fn graft(&mut self, source: &Ast, id: TermId) -> TermId {
        self.note_array_size(source.array_size_max);
        match source.node(id) {
            Node::Constant(value) => self.add_constant(value.clone()),
            Node::Term { term, args, optargs } => {
                let args = args.iter().map(|arg| self.graft(source, *arg)).collect();
                let optargs =
                    optargs.iter().map(|(key, value)| (key.clone(), self.graft(source, *value))).collect();
                self.add_term(*term, args, optargs)
            }
        }
    }

    /// Whether two subtrees, of any trees, say the same.
    pub fn same(&self, id: TermId, other: &Ast, other_id: TermId) -> bool {
        match (self.node(id), other.node(other_id)) {
            (Node::Constant(left), Node::Constant(right)) => left == right,
            (
                Node::Term { term, args, optargs },
                Node::Term { term: other_term, args: other_args, optargs: other_optargs },
            ) => {
                term == other_term
                    && args.len() == other_args.len()
                    && optargs.len() == other_optargs.len()
                    && args.iter().zip(other_args).all(|(left, right)| self.same(*left, other, *right))
                    && optargs.iter().zip(other_optargs).all(|((left_key, left), (right_key, right))| {
                        left_key == right_key && self.same(*left, other, *right)
                    })
            }
            _ => false,
        }
    }

    /// Drops the nodes that were added last; none of them may be below one that stays.
    pub(crate) fn truncate(&mut self, nodes: usize) {
        self.nodes.truncate(nodes);
        self.links.truncate(nodes);
    }

    fn push(&mut self, node: Node) -> TermId {
        // A node takes more than a byte on the wire, and queries are limited far below
        // four gigabytes.
        let id = u32::try_from(self.nodes.len()).expect("a tree has fewer than 2^32 nodes");
        self.nodes.push(node);
        self.links.push(None);
        TermId(id)
    }

    fn link(&mut self, child: TermId, link: Link) {
        let slot = &mut self.links[child.index()];
        debug_assert!(slot.is_none(), "a node has one parent");
        *slot = Some(link);
    }
}

fn check_array_sizes(value: DatumRef<'_>, max: usize) -> Result<(), DatumError> {
    match value {
        DatumRef::Array(array) => {
            limits::check_array_size(array.len(), max)?;
            array.iter().try_for_each(|item| check_array_sizes(item, max))
        }
        DatumRef::Object(object) => object.iter().try_for_each(|(_, field)| check_array_sizes(field, max)),
        _ => Ok(()),
    }
}

impl PartialEq for Ast {
    fn eq(&self, other: &Self) -> bool {
        match (self.is_empty(), other.is_empty()) {
            (false, false) => self.same(self.root(), other, other.root()),
            (left, right) => left == right,
        }
    }
}
