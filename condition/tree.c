/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printing of trees (spec/rule-language.md 2.1). More values are quoted than Falco quotes: empty
 * ones and those with "(", ")" or ",", because what is printed must read back as the same tree
 * (tests are interned by this text).
 */
#include "condition/tree.h"

static void print_quoted(struct text text, struct buffer *out)
{
	static const char letters[] = "bfnrt\"\\", bytes[] = "\b\f\n\r\t\"\\";

	buffer_add_char(out, '"');
	for (size_t i = 0; i < text.length; i++) {
		char c = text.data[i];
		const char *known = c ? strchr(bytes, c) : NULL;

		if (known)
			buffer_printf(out, "\\%c", letters[known - bytes]);
		else if ((unsigned char)c < 0x20)
			buffer_printf(out, "\\x%02x", c);
		else
			buffer_add_char(out, c);
	}
	buffer_add_char(out, '"');
}

/* In a transformer's arguments a bare word would be read as a field. */
static void print_value(struct text text, bool is_inner, struct buffer *out)
{
	bool is_plain = lexer_is_bare(text) && !memchr(text.data, '\\', text.length);

	if (is_plain && !is_inner)
		buffer_add_text(out, text);
	else
		print_quoted(text, out);
}

static void print_argument(const struct operand *operand, struct buffer *out)
{
	struct text argument = operand->argument;
	bool is_plain = argument.length > 0;

	if (!operand->has_argument)
		return;
	for (size_t i = 0; i < argument.length; i++)
		is_plain &= (unsigned char)argument.data[i] > ' ' &&
			    !strchr("[]\"'\\", argument.data[i]);
	buffer_add_char(out, '[');
	if (is_plain)
		buffer_add_text(out, argument);
	else
		print_quoted(argument, out);
	buffer_add_char(out, ']');
}

static void print_operand(const struct operand *operand, bool is_inner, struct buffer *out);

static void print_parts(const struct operand *operand, bool is_inner, struct buffer *out)
{
	buffer_add_char(out, '(');
	for (size_t i = 0; i < operand->count; i++) {
		if (i)
			buffer_add_string(out, ", ");
		print_operand(operand->parts[i], is_inner, out);
	}
	buffer_add_char(out, ')');
}

static void print_operand(const struct operand *operand, bool is_inner, struct buffer *out)
{
	switch (operand->kind) {
	case OPERAND_VALUE:
		print_value(operand->text, is_inner, out);
		break;
	case OPERAND_LIST:
		print_parts(operand, is_inner, out);
		break;
	case OPERAND_FIELD:
		buffer_add_text(out, operand->text);
		print_argument(operand, out);
		break;
	case OPERAND_TRANSFORMER:
		buffer_add_text(out, operand->text);
		print_parts(operand, true, out);
		print_argument(operand, out);
		break;
	}
}

void operand_print(const struct operand *operand, struct buffer *out)
{
	print_operand(operand, false, out);
}

static void print_check(const struct node *node, struct buffer *out)
{
	operand_print(node->left, out);
	buffer_printf(out, " %s", node->op->name);
	if (!node->right)
		return;
	buffer_add_char(out, ' ');
	if (node->modifier)
		buffer_printf(out, "%s ", modifier_name(node->modifier));
	if (node->right->kind == OPERAND_FIELD)
		buffer_add_string(out, "val(");
	operand_print(node->right, out);
	if (node->right->kind == OPERAND_FIELD)
		buffer_add_char(out, ')');
}

static void print_node(const struct node *node, bool writes_out, struct buffer *out)
{
	switch (node->kind) {
	case NODE_AND:
	case NODE_OR:
		buffer_add_char(out, '(');
		for (size_t i = 0; i < node->count; i++) {
			if (i)
				buffer_add_string(out, node->kind == NODE_AND ? " and " : " or ");
			print_node(node->children[i], writes_out, out);
		}
		buffer_add_char(out, ')');
		break;
	case NODE_NOT:
		buffer_add_string(out, "not ");
		print_node(node->children[0], writes_out, out);
		break;
	case NODE_CHECK:
		print_check(node, out);
		break;
	case NODE_MACRO:
		if (writes_out && node->target)
			print_node(node->target, writes_out, out);
		else
			buffer_add_text(out, node->name);
		break;
	}
}

void node_print(const struct node *node, struct buffer *out)
{
	print_node(node, false, out);
}

void node_print_written_out(const struct node *node, struct buffer *out)
{
	print_node(node, true, out);
}
