"""Figures: questions, answers, passports."""
